package interop

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/conduitio/conduit-commons/opencdc"
)

// change is what a pipeline sees of a record.
type change struct {
	Operation string
	Key       object
	After     object
}

// goRecord is a record as the program in goconnector prints it.
type goRecord struct {
	Position  []byte `json:"position"`
	Operation string `json:"operation"`
	Key       object `json:"key"`
	After     object `json:"after"`
}

func (r goRecord) change() change { return change{r.Operation, r.Key, r.After} }

// goConnector is the Go connector v0.1.0 in a process of its own.
type goConnector struct {
	t       *testing.T
	stdin   io.WriteCloser
	records chan goRecord
	stderr  *logs
	exited  chan error
}

// buildGoConnector builds the program once for all tests that need it.
var buildGoConnector = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programs, "goconnector")
	out, err := exec.Command("go", "build", "-C", "goconnector", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the Go connector: %w: %s", err, out)
	}
	return path, nil
})

// programs is a directory for what the tests build.
var programs string

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "interop"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(programs)
	os.Exit(code)
}

// startGoConnector runs the Go connector's source on the emulator.
func startGoConnector(t *testing.T, e *emulator, resource string, position []byte) *goConnector {
	t.Helper()
	path, err := buildGoConnector()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "source")
	g := &goConnector{t: t, records: make(chan goRecord, 4096), stderr: &logs{}, exited: make(chan error, 1)}
	cmd.Stderr = g.stderr
	if g.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the Go connector: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if t.Failed() {
			t.Logf("the Go connector said:\n%s", g.stderr)
		}
	})
	job := map[string]any{
		"baseUrl": e.url, "position": position,
		"config": map[string]string{"accessToken": token, "resource": resource, "pollingPeriod": "50ms"},
	}
	if err := json.NewEncoder(g.stdin).Encode(job); err != nil {
		t.Fatal(err)
	}
	go func() {
		lines := bufio.NewReader(stdout)
		for decoder := json.NewDecoder(lines); ; {
			var record goRecord
			if decoder.Decode(&record) != nil {
				g.exited <- cmd.Wait()
				return
			}
			g.records <- record
		}
	}()
	return g
}

func (g *goConnector) take(n int) []goRecord {
	g.t.Helper()
	var records []goRecord
	deadline := time.After(patience)
	for len(records) < n {
		select {
		case record := <-g.records:
			records = append(records, record)
		case err := <-g.exited:
			g.t.Fatalf("the Go connector ended after %d of %d records: %v", len(records), n, err)
		case <-deadline:
			g.t.Fatalf("the Go connector sent %d of %d records", len(records), n)
		}
	}
	return records
}

// follow changes an object until the connector delivers it, and returns what
// it delivered. It misses what changes while it turns from its snapshot to
// changes, so that one change may not do.
func (g *goConnector) follow(e *emulator, k kind, id string) []goRecord {
	g.t.Helper()
	deadline := time.Now().Add(patience)
	for n := 1; time.Now().Before(deadline); n++ {
		e.update(k, id, n)
		select {
		case record := <-g.records:
			return []goRecord{record}
		case err := <-g.exited:
			g.t.Fatalf("the Go connector ended: %v", err)
		case <-time.After(2 * time.Second):
		}
	}
	g.t.Fatal("the Go connector doesn't follow changes")
	return nil
}

// stop ends the connector and returns what it had still sent.
func (g *goConnector) stop() []goRecord {
	g.t.Helper()
	_ = g.stdin.Close()
	select {
	case <-g.exited:
	case <-time.After(patience):
		g.t.Fatal("the Go connector doesn't end")
	}
	var rest []goRecord
	for {
		select {
		case record := <-g.records:
			rest = append(rest, record)
		default:
			return rest
		}
	}
}

// ours is a record of ours in the Go connector's shape.
func ours(t *testing.T, record opencdc.Record) change {
	t.Helper()
	out := change{Operation: record.Operation.String()}
	for _, part := range []struct {
		data opencdc.Data
		into *object
	}{{record.Key, &out.Key}, {record.Payload.After, &out.After}} {
		if part.data == nil || len(part.data.Bytes()) == 0 {
			continue
		}
		if err := json.Unmarshal(part.data.Bytes(), part.into); err != nil {
			t.Fatalf("decode a record's data: %v", err)
		}
	}
	return out
}

// onePage is so many objects that the Go connector's first page has them all.
// Of several pages it may lose the last: while it hands out what that has, it
// takes its snapshot for ended whenever nothing is waiting, and turns to
// changes.
const onePage = 90

// Both connectors read one account. It is quiet: one change at a time, and
// the next when both have delivered it.
func TestSideBySide(t *testing.T) {
	for _, k := range []kind{contacts, companies} {
		t.Run(k.resource, func(t *testing.T) {
			e := startEmulator(t)
			ids := e.create(k, 0, onePage)
			// Both start later than the last creation.
			time.Sleep(5 * time.Millisecond)

			theirs := startGoConnector(t, e, k.resource, nil)
			s := openSource(t, 2, e.config(k.resource, "pollingPeriod", "100ms", "deletes.interval", "200ms"), nil)
			compareSnapshot(t, theirs.take(len(ids)), s.take(len(ids)))

			// The Go connector turns to changes after its last page.
			last := theirs.follow(e, k, ids[1])[0]
			s.until(func(seen []opencdc.Record) bool {
				return len(seen) > 0 && reflect.DeepEqual(ours(t, seen[len(seen)-1]).After, last.After)
			})
			steps := []struct {
				name string
				do   func()
			}{
				{"create", func() { e.create(k, 500, 1) }},
				{"update", func() { e.update(k, ids[0], 1) }},
				{"update of the last", func() { e.update(k, ids[len(ids)-1], 2) }},
				{"create again", func() { e.create(k, 501, 1) }},
				{"update again", func() { e.update(k, ids[0], 3) }},
			}
			for _, step := range steps {
				time.Sleep(5 * time.Millisecond)
				step.do()
				want := theirs.take(1)[0].change()
				got := ours(t, s.take(1)[0])
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s: ours is\n%v, the Go connector's\n%v", step.name, got, want)
				}
			}
			if rest := theirs.stop(); len(rest) > 0 {
				t.Errorf("the Go connector has sent %d records more", len(rest))
			}
			if rest, _ := s.stop(); len(rest) > 0 {
				t.Errorf("ours has sent %d records more", len(rest))
			}
			s.close()
		})
	}
}

// Of blog posts only the snapshot compares: the Go connector asks for deleted
// posts alone when it follows changes (archived=true is not "too" but "only"),
// so that created and updated posts never reach it. They reach ours.
func TestSideBySidePosts(t *testing.T) {
	e := startEmulator(t)
	ids := e.create(posts, 0, onePage)
	time.Sleep(5 * time.Millisecond)
	theirs := startGoConnector(t, e, posts.resource, nil)
	s := openSource(t, 2, e.config(posts.resource, "pollingPeriod", "100ms", "deletes.interval", "200ms"), nil)
	compareSnapshot(t, theirs.take(len(ids)), s.take(len(ids)))
	theirs.stop()

	created := e.create(posts, 500, 1)[0]
	e.update(posts, ids[0], 1)
	want := map[string]opencdc.Operation{created: opencdc.OperationCreate, ids[0]: opencdc.OperationUpdate}
	s.until(func(seen []opencdc.Record) bool { return reflect.DeepEqual(operations(t, seen), want) })
	s.stop()
	s.close()
}

func compareSnapshot(t *testing.T, theirs []goRecord, mine []opencdc.Record) {
	t.Helper()
	want := make(map[string]change)
	for _, record := range theirs {
		want[record.Key["id"].(string)] = record.change()
	}
	got := make(map[string]change)
	for _, record := range mine {
		got[key(t, record)] = ours(t, record)
	}
	for id, change := range want {
		if !reflect.DeepEqual(got[id], change) {
			t.Fatalf("%s: ours is\n%v, the Go connector's\n%v", id, got[id], change)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("ours are %d objects, the Go connector's %d", len(got), len(want))
	}
}

// A pipeline that ran with the Go connector goes on with ours: everything that
// the one hadn't delivered, the other does.
func TestResumesGoPositions(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		for _, k := range []kind{contacts, companies, posts} {
			t.Run("snapshot/"+k.resource, func(t *testing.T) {
				e := startEmulator(t)
				ids := e.create(k, 0, 230)
				time.Sleep(5 * time.Millisecond)
				theirs := startGoConnector(t, e, k.resource, nil)
				delivered := theirs.take(130)[:130]
				theirs.stop()
				last := delivered[len(delivered)-1].Position
				if mode := goMode(t, last); mode != "snapshot" {
					t.Fatalf("the position is of mode %s: %s", mode, last)
				}
				e.update(k, ids[0], 1)
				e.update(k, ids[200], 2)
				e.create(k, 500, 3)
				resumesWithoutGap(t, version, e, k, delivered, last)
			})
		}
		for _, k := range []kind{contacts, companies} {
			t.Run("cdc/"+k.resource, func(t *testing.T) {
				e := startEmulator(t)
				ids := e.create(k, 0, 30)
				time.Sleep(5 * time.Millisecond)
				theirs := startGoConnector(t, e, k.resource, nil)
				delivered := append(theirs.take(len(ids)), theirs.follow(e, k, ids[3])...)
				theirs.stop()
				last := delivered[len(delivered)-1].Position
				if mode := goMode(t, last); mode != "cdc" {
					t.Fatalf("the position is of mode %s: %s", mode, last)
				}
				e.update(k, ids[3], 2)
				e.update(k, ids[4], 3)
				e.create(k, 500, 3)
				resumesWithoutGap(t, version, e, k, delivered, last)
			})
		}
	})
}

func goMode(t *testing.T, position []byte) string {
	t.Helper()
	var parsed struct{ Mode string }
	if err := json.Unmarshal(position, &parsed); err != nil {
		t.Fatalf("the Go connector's position %q: %v", position, err)
	}
	return parsed.Mode
}

func resumesWithoutGap(t *testing.T, version int, e *emulator, k kind, delivered []goRecord, position []byte) {
	t.Helper()
	before := make(map[string]object)
	for _, record := range delivered {
		before[record.Key["id"].(string)] = record.After
	}
	s := openSource(t, version, e.config(k.resource, "pollingPeriod", "100ms", "deletes.interval", "200ms"), position)
	seen := s.until(func(seen []opencdc.Record) bool {
		all := make(map[string]object)
		for id, o := range before {
			all[id] = o
		}
		for id, o := range replay(t, seen) {
			all[id] = o
		}
		return reflect.DeepEqual(state(all), state(e.all(k)))
	})
	t.Logf("%d records resumed after the Go connector's %d", len(seen), len(delivered))
	s.stop()
	s.close()
}
