package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/conduitio/conduit-commons/config"
	"github.com/conduitio/conduit-commons/opencdc"
	"github.com/conduitio/conduit-connector-protocol/pconnector"
)

// The whole life of a source: a snapshot, changes, a stop.
func TestSource(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		e := startEmulator(t)
		ids := e.create(contacts, 0, 230)

		s := openSource(t, version, e.config(contacts.resource, "pollingPeriod", "100ms", "deletes.interval", "200ms"), nil)
		seen := s.take(len(ids))
		replayed := replay(t, seen)
		sameState(t, replayed, e.all(contacts))
		positions := make(map[string]bool)
		for _, record := range seen {
			if record.Operation != opencdc.OperationSnapshot {
				t.Errorf("%s of %s in the snapshot", record.Operation, key(t, record))
			}
			if positions[string(record.Position)] {
				t.Errorf("the position %q is there twice", record.Position)
			}
			positions[string(record.Position)] = true
			checkMetadata(t, record, contacts.resource)
		}

		e.update(contacts, ids[3], 3)
		e.archive(contacts, ids[7])
		created := e.create(contacts, 1000, 1)[0]
		want := map[string]opencdc.Operation{
			ids[3]: opencdc.OperationUpdate, ids[7]: opencdc.OperationDelete, created: opencdc.OperationCreate,
		}
		changes := s.until(func(seen []opencdc.Record) bool { return reflect.DeepEqual(operations(t, seen), want) })
		sameState(t, replay(t, append(seen, changes...)), e.all(contacts))

		rest, last := s.stop()
		if len(last) == 0 {
			t.Error("stop answers no position, though records were sent")
		}
		if len(rest) > 0 {
			t.Errorf("%d records came after the account was quiet", len(rest))
		}
		s.close()
		if strings.Contains(s.process.logs.String(), token) {
			t.Error("the token is in the log")
		}
	})
}

// A source that is killed with half of its records acknowledged goes on where
// the acknowledgements end, in the snapshot as in what follows.
func TestSourceResumes(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		e := startEmulator(t)
		ids := e.create(contacts, 0, 330)
		cfg := e.config(contacts.resource, "pollingPeriod", "100ms", "deletes.interval", "200ms")

		s := openSource(t, version, cfg, nil)
		kept := s.take(120)
		kept = kept[:120]
		s.cancel()
		s.process.client.Kill()
		if !s.process.client.Exited() {
			t.Fatal("the process is not gone")
		}

		e.update(contacts, ids[0], 1)
		e.archive(contacts, ids[200])
		complete := func(seen []opencdc.Record) bool {
			return reflect.DeepEqual(state(replay(t, append(append([]opencdc.Record{}, kept...), seen...))), state(e.all(contacts)))
		}
		s = openSource(t, version, cfg, kept[len(kept)-1].Position)
		kept = append(kept, s.until(complete)...)
		_, last := s.stop()
		s.close()

		e.update(contacts, ids[5], 2)
		e.create(contacts, 1000, 3)
		e.archive(contacts, ids[6])
		s = openSource(t, version, cfg, last)
		again := s.until(complete)
		for _, record := range again {
			if record.Operation == opencdc.OperationSnapshot {
				t.Errorf("a snapshot of %s after the snapshot was over", key(t, record))
			}
		}
		s.stop()
		s.close()
	})
}

// Without a snapshot only what changes from now on is there.
func TestSourceWithoutSnapshot(t *testing.T) {
	e := startEmulator(t)
	ids := e.create(companies, 0, 20)
	// What is written in the millisecond of the start may be delivered or not.
	time.Sleep(5 * time.Millisecond)
	s := openSource(t, 2, e.config(companies.resource, "snapshot", "false", "pollingPeriod", "100ms", "deletes.interval", "200ms"), nil)
	time.Sleep(5 * time.Millisecond)
	e.update(companies, ids[4], 4)
	seen := s.take(1)
	if got, want := operations(t, seen), (map[string]opencdc.Operation{ids[4]: opencdc.OperationUpdate}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v instead of %v", got, want)
	}
	s.stop()
	s.close()
}

// What goes wrong is said at Open, or on the stream, in one clear line.
func TestSourceErrors(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		e := startEmulator(t)
		e.create(contacts, 0, 3)
		unreachable := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
		for name, c := range map[string]struct {
			cfg      map[string]string
			position opencdc.Position
			say      []string
		}{
			"wrong token":           {e.config(contacts.resource, "accessToken", "wrong-secret"), nil, []string{"401", "INVALID_AUTHENTICATION"}},
			"unreachable":           {e.config(contacts.resource, "baseUrl", unreachable, "maxRetries", "1"), nil, []string{unreachable[len("http://"):]}},
			"position not ours":     {e.config(contacts.resource), opencdc.Position("not a position"), []string{"position"}},
			"position of something": {e.config(contacts.resource), opencdc.Position(`{"lsn":"0/16B3748"}`), []string{"position"}},
		} {
			t.Run(name, func(t *testing.T) {
				s := startSource(t, version)
				s.configure(c.cfg)
				_, err := s.Open(bounded(t), pconnector.SourceOpenRequest{Position: c.position})
				if err == nil {
					s.run()
					err = s.failure()
				}
				checkRefusal(t, err, c.say)
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("the error has more than one line: %v", err)
				}
				if strings.Contains(err.Error(), "wrong-secret") || strings.Contains(s.process.logs.String(), "wrong-secret") {
					t.Error("the wrong token is in the error or the log")
				}
				s.close()
			})
		}
	})
}

// Teardown may come at any moment, and the process goes when it is told to.
func TestTeardownAtAnyMoment(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		e := startEmulator(t)
		e.create(contacts, 0, 250)
		cfg := e.config(contacts.resource)

		t.Run("before anything", func(t *testing.T) { startSource(t, version).close() })
		t.Run("after configure", func(t *testing.T) {
			s := startSource(t, version)
			s.configure(cfg)
			s.close()
		})
		t.Run("after open", func(t *testing.T) {
			s := startSource(t, version)
			s.configure(cfg)
			if _, err := s.Open(bounded(t), pconnector.SourceOpenRequest{}); err != nil {
				t.Fatal(err)
			}
			s.close()
		})
		t.Run("without stop", func(t *testing.T) {
			s := openSource(t, version, cfg, nil)
			s.next()
			s.close()
		})
		t.Run("killed while it runs", func(t *testing.T) {
			s := openSource(t, version, cfg, nil)
			s.next()
			s.process.kill()
		})
		t.Run("stop without records", func(t *testing.T) {
			s := openSource(t, version, e.config("crm.deals"), nil)
			if rest, last := s.stop(); len(rest) > 0 || len(last) > 0 {
				t.Errorf("%d records and the position %q of an empty resource", len(rest), last)
			}
			s.close()
		})
		t.Run("destination before anything", func(t *testing.T) {
			d := startDestination(t, version)
			if _, err := d.Teardown(bounded(t), pconnector.DestinationTeardownRequest{}); err != nil {
				t.Error(err)
			}
			d.process.kill()
		})
	})
}

func TestLifecycle(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		s := startSource(t, version)
		s.configure(configured(nil))
		for name, call := range map[string]func(context.Context) error{
			"created": func(ctx context.Context) error {
				_, err := s.LifecycleOnCreated(ctx, pconnector.SourceLifecycleOnCreatedRequest{Config: configured(nil)})
				return err
			},
			"updated": func(ctx context.Context) error {
				_, err := s.LifecycleOnUpdated(ctx, pconnector.SourceLifecycleOnUpdatedRequest{
					ConfigBefore: configured(nil), ConfigAfter: configured(config.Config{"maxRetries": "2"}),
				})
				return err
			},
			"deleted": func(ctx context.Context) error {
				_, err := s.LifecycleOnDeleted(ctx, pconnector.SourceLifecycleOnDeletedRequest{Config: configured(nil)})
				return err
			},
		} {
			if err := call(bounded(t)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		s.close()
	})
}

// Creates, updates and deletes reach HubSpot; each record gets its own answer.
func TestDestination(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		e := startEmulator(t)
		ids := e.create(contacts, 0, 4)
		d := openDestination(t, version, e.config(contacts.resource))

		var records []opencdc.Record
		position := func() opencdc.Position { return opencdc.Position(fmt.Sprintf("position-%d", len(records))) }
		for n := range 250 {
			operation := opencdc.OperationCreate
			if n%2 == 0 {
				operation = opencdc.OperationSnapshot
			}
			records = append(records, opencdc.Record{
				Position: position(), Operation: operation,
				Payload: opencdc.Change{After: opencdc.StructuredData(contacts.create(100 + n))},
			})
		}
		records = append(records, opencdc.Record{
			Position: position(), Operation: opencdc.OperationUpdate, Key: opencdc.StructuredData{"id": ids[1]},
			// Raw JSON, and properties that are not wrapped.
			Payload: opencdc.Change{After: opencdc.RawData(`{"firstname":"Written"}`)},
		}, opencdc.Record{
			Position: opencdc.Position("deletion"), Operation: opencdc.OperationDelete, Key: opencdc.StructuredData{"id": ids[2]},
		})
		for i, reason := range d.write(records...) {
			if reason != "" {
				t.Errorf("record %d is refused: %s", i, reason)
			}
		}
		all := e.all(contacts)
		if got, want := len(all), 4+250-1; got != want {
			t.Errorf("there are %d contacts instead of %d", got, want)
		}
		if got := all[ids[1]]["properties"].(object)["firstname"]; got != "Written" {
			t.Errorf("the update is not there: firstname is %v", got)
		}
		if _, ok := all[ids[2]]; ok {
			t.Error("the deletion is not there")
		}

		mixed := []opencdc.Record{
			{
				Position: opencdc.Position("good-1"), Operation: opencdc.OperationCreate,
				Payload: opencdc.Change{After: opencdc.StructuredData(contacts.create(900))},
			},
			{
				Position: opencdc.Position("duplicate"), Operation: opencdc.OperationCreate,
				Payload: opencdc.Change{After: opencdc.StructuredData(contacts.create(0))},
			},
			{
				Position: opencdc.Position("no such id"), Operation: opencdc.OperationUpdate, Key: opencdc.StructuredData{"id": "999999999"},
				Payload: opencdc.Change{After: opencdc.StructuredData(contacts.change(1))},
			},
			{
				Position: opencdc.Position("composite"), Operation: opencdc.OperationDelete,
				Key: opencdc.StructuredData{"id": ids[0], "portal": "7"},
			},
			{
				Position: opencdc.Position("good-2"), Operation: opencdc.OperationCreate,
				Payload: opencdc.Change{After: opencdc.StructuredData(contacts.create(901))},
			},
		}
		reasons := d.write(mixed...)
		for i, record := range mixed {
			good := strings.HasPrefix(string(record.Position), "good")
			if good != (reasons[i] == "") {
				t.Errorf("%s is answered with %q", record.Position, reasons[i])
			}
			if !good {
				checkError(t, reasons[i])
			}
		}
		if got, want := len(e.all(contacts)), 4+250-1+2; got != want {
			t.Errorf("there are %d contacts instead of %d", got, want)
		}
		d.close(mixed[len(mixed)-1].Position)
		if strings.Contains(d.process.logs.String(), token) {
			t.Error("the token is in the log")
		}
	})
}

// key is the id in a record's key.
func key(t *testing.T, record opencdc.Record) string {
	t.Helper()
	structured, ok := record.Key.(opencdc.StructuredData)
	if !ok || len(structured) != 1 {
		t.Fatalf("the key is %v", record.Key)
	}
	text, ok := structured["id"].(string)
	if !ok {
		t.Fatalf("the key's id is a %T", structured["id"])
	}
	return text
}

// operations is the last operation seen of each object.
func operations(t *testing.T, records []opencdc.Record) map[string]opencdc.Operation {
	t.Helper()
	out := make(map[string]opencdc.Operation)
	for _, record := range records {
		out[key(t, record)] = record.Operation
	}
	return out
}

// replay is what a reader of the records holds in the end.
func replay(t *testing.T, records []opencdc.Record) map[string]object {
	t.Helper()
	out := make(map[string]object)
	for _, record := range records {
		if record.Operation == opencdc.OperationDelete {
			delete(out, key(t, record))
			continue
		}
		var after object
		if err := json.Unmarshal(record.Payload.After.Bytes(), &after); err != nil {
			t.Fatalf("the payload of %s: %v", key(t, record), err)
		}
		if after["id"] != key(t, record) {
			t.Fatalf("the key is %s, the payload's id %v", key(t, record), after["id"])
		}
		out[key(t, record)] = after
	}
	return out
}

// state is what tells versions of objects apart.
func state(objects map[string]object) map[string]object {
	out := make(map[string]object, len(objects))
	for id, o := range objects {
		out[id] = object{"properties": o["properties"], "updatedAt": o["updatedAt"], "updated": o["updated"], "name": o["name"]}
	}
	return out
}

func sameState(t *testing.T, got, want map[string]object) {
	t.Helper()
	got, want = state(got), state(want)
	for id, object := range want {
		if have, ok := got[id]; !ok {
			t.Errorf("%s is missing", id)
		} else if !reflect.DeepEqual(have, object) {
			t.Errorf("%s is\n%v instead of\n%v", id, have, object)
		}
	}
	for id := range got {
		if _, ok := want[id]; !ok {
			t.Errorf("%s doesn't exist any more", id)
		}
	}
}

func checkMetadata(t *testing.T, record opencdc.Record, collection string) {
	t.Helper()
	if got, err := record.Metadata.GetCollection(); err != nil || got != collection {
		t.Errorf("the collection is %q (%v) instead of %q", got, err, collection)
	}
	if created, err := record.Metadata.GetCreatedAt(); err != nil || created.IsZero() {
		t.Errorf("createdAt: %v, %v", created, err)
	}
	if read, err := record.Metadata.GetReadAt(); err != nil || read.IsZero() {
		t.Errorf("readAt: %v, %v", read, err)
	}
}
