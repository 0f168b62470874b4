package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/conduitio/conduit-commons/config"
	"github.com/conduitio/conduit-commons/opencdc"
	"github.com/conduitio/conduit-connector-protocol/pconnector"
	"github.com/conduitio/conduit-connector-protocol/pconnector/client"
	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
)

// ticks is how many of /proc's ticks a second has on Linux.
const ticks = 100

// batch is how many records a message has.
const batch = 1000

// stalled is how long nothing comes before a run counts as stalled: the Go
// SDK's batching can do that at the very start.
const stalled = 10 * time.Second

// attempts is how often a run that stalls is begun anew.
const attempts = 5

// withoutSchema is what a source of either SDK needs to be told in order not to
// encode records, and a destination not to decode them.
var withoutSchema = config.Config{
	"sdk.schema.extract.payload.enabled": "false",
	"sdk.schema.extract.key.enabled":     "false",
}

// candidate is one SDK in the comparison.
type candidate struct {
	name string
	// The program, which has both halves.
	program string
	// What both halves have to be told in order to work on batches.
	sourceSettings, destinationSettings config.Config
}

// run is one measurement.
type run struct {
	SDK  string `json:"sdk"`
	Side string `json:"side"`
	// Schema is whether records are encoded, or decoded, by an Avro schema.
	Schema  bool    `json:"schema"`
	Records int     `json:"records"`
	Seconds float64 `json:"seconds"`
	// CPUSeconds is what the plugin's process took between the first record
	// and the last.
	CPUSeconds float64 `json:"cpuSeconds"`
	PeakBytes  uint64  `json:"peakBytes"`
	// Stalls is how many runs were given up before this one.
	Stalls int `json:"stalls"`
}

// TestSDKBench measures both SDKs over the wire, under Conduit's own client,
// on the same records. A line of JSON for each run goes to stdout; the task
// `cargo xtask bench -- --only wire` makes figures of them.
func TestSDKBench(t *testing.T) {
	count, err := strconv.Atoi(os.Getenv("SDK_BENCH_RECORDS"))
	if err != nil {
		t.Skip("a benchmark: SDK_BENCH_RECORDS says of how many records")
	}
	twin := build(t, "goconnectors", "./generator")
	candidates := []candidate{
		{
			name:           "rust",
			program:        binary(t, "CONDUIT_CONNECTOR_GENERATOR", "the Rust SDK's generator"),
			sourceSettings: config.Config{"batch.size": strconv.Itoa(batch)},
		},
		{
			name: "go", program: twin,
			sourceSettings:      config.Config{"sdk.batch.size": strconv.Itoa(batch), "sdk.batch.delay": "100ms"},
			destinationSettings: config.Config{"sdk.batch.size": strconv.Itoa(batch), "sdk.batch.delay": "100ms"},
		},
	}

	schemas := startRegistry(t)
	for _, schema := range []bool{false, true} {
		var sent, same []opencdc.Record
		for _, c := range candidates {
			result, first := c.readAll(t, schemas, schema, count)
			result.print(t)
			plain := first
			if schema {
				plain = make([]opencdc.Record, len(first))
				for i, record := range first {
					plain[i] = schemas.decode(t, record)
				}
			}
			if same == nil {
				sent, same = first, plain
			} else if !reflect.DeepEqual(agreed(t, same), agreed(t, plain)) {
				t.Errorf("the SDKs' records differ: %s and %s", same[0].Bytes(), plain[0].Bytes())
			}
		}
		for _, c := range candidates {
			c.writeAll(t, schemas, schema, count, sent).print(t)
		}
	}
}

// with is the settings, with or without schemas.
func with(schema bool, settings config.Config) config.Config {
	if schema {
		return settings
	}
	return merged(settings, withoutSchema)
}

func merged(one, other config.Config) config.Config {
	all := config.Config{}
	maps.Copy(all, one)
	maps.Copy(all, other)
	return all
}

// agreed is what both SDKs have to agree on.
func agreed(t *testing.T, records []opencdc.Record) []any {
	t.Helper()
	all := make([]any, len(records))
	for i, record := range records {
		all[i] = []any{string(record.Position), record.Operation, record.Metadata[opencdc.MetadataCollection], record.Key, record.Payload}
	}
	return all
}

func (r run) print(t *testing.T) {
	t.Helper()
	line, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\nsdk-bench %s\n", line)
	perRecord := func(seconds float64) float64 { return seconds * 1e6 / float64(r.Records) }
	schema := "without a schema"
	if r.Schema {
		schema = "with Avro"
	}
	t.Logf("%s %s %s: %.0f records/s, %.2f µs of CPU a record, %.1f MiB", r.SDK, r.Side, schema,
		float64(r.Records)/r.Seconds, perRecord(r.CPUSeconds), float64(r.PeakBytes)/(1<<20))
}

// launch starts a program as Conduit does, with all that the Go SDK asks for.
func launch(t *testing.T, program string, schemas *registry) (*goplugin.Client, int) {
	t.Helper()
	c, err := client.New(
		logger{hclog.New(&hclog.LoggerOptions{Name: "conduit", Level: hclog.Off})},
		program,
		append(schemas.environment(),
			client.WithEnvVar(pconnector.EnvConduitConnectorID, "bench"),
			client.WithEnvVar(pconnector.EnvConduitConnectorLogLevel, "error"),
		)...,
	)
	if err != nil {
		t.Fatalf("create the client: %v", err)
	}
	t.Cleanup(c.Kill)
	if _, err := c.Client(); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return c, c.ReattachConfig().Pid
}

// usage is the time that a process took, and the most memory that it had.
func usage(t *testing.T, pid int) (seconds float64, peak uint64) {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Skipf("the system doesn't tell what a process takes: %v", err)
	}
	// What is behind the name, which may have spaces in it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		seconds += float64(n) / ticks
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscanf(line, "%d kB", &peak); err != nil {
		t.Fatal(err)
	}
	return seconds, peak << 10
}

var errStalled = errors.New("stalled")

// readAll reads and acknowledges all records of a source, and gives the first.
func (c candidate) readAll(t *testing.T, schemas *registry, schema bool, count int) (run, []opencdc.Record) {
	t.Helper()
	for stalls := range attempts {
		result, first, err := c.read(t, schemas, schema, count)
		if err == nil {
			result.Stalls = stalls
			return result, first
		}
		if !errors.Is(err, errStalled) {
			t.Fatalf("%s: %v", c.name, err)
		}
	}
	t.Fatalf("%s stalled %d times", c.name, attempts)
	return run{}, nil
}

func (c candidate) read(t *testing.T, schemas *registry, schema bool, count int) (run, []opencdc.Record, error) {
	t.Helper()
	p, pid := launch(t, c.program, schemas)
	defer p.Kill()
	s := dispense[pconnector.SourcePlugin](&process{t: t, client: p}, "source")
	settings := with(schema, merged(c.sourceSettings, config.Config{"count": strconv.Itoa(count)}))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if _, err := s.Configure(ctx, pconnector.SourceConfigureRequest{Config: settings}); err != nil {
		return run{}, nil, err
	}
	if _, err := s.Open(ctx, pconnector.SourceOpenRequest{}); err != nil {
		return run{}, nil, err
	}
	stream := s.(streamer[pconnector.SourceRunStream]).NewStream()
	before, _ := usage(t, pid)
	began := time.Now()
	if err := s.Run(ctx, stream); err != nil {
		return run{}, nil, err
	}
	type message struct {
		records []opencdc.Record
		err     error
	}
	messages := make(chan message)
	go func() {
		defer close(messages)
		for {
			response, err := stream.Client().Recv()
			select {
			case messages <- message{response.Records, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	var first []opencdc.Record
	watch := time.NewTimer(stalled)
	for seen := 0; seen < count; {
		watch.Reset(stalled)
		select {
		case m := <-messages:
			if m.err != nil {
				return run{}, nil, m.err
			}
			positions := make([]opencdc.Position, len(m.records))
			for i, record := range m.records {
				positions[i] = record.Position
			}
			if err := stream.Client().Send(pconnector.SourceRunRequest{AckPositions: positions}); err != nil {
				return run{}, nil, err
			}
			seen += len(m.records)
			if len(first) < batch {
				first = append(first, m.records...)
			}
		case <-watch.C:
			return run{}, nil, errStalled
		}
	}
	elapsed := time.Since(began)
	after, peak := usage(t, pid)
	return run{
		SDK: c.name, Side: "source", Schema: schema, Records: count, Seconds: elapsed.Seconds(), CPUSeconds: after - before, PeakBytes: peak,
	}, first[:min(batch, len(first))], nil
}

// writeAll sends the records again and again until there were so many.
func (c candidate) writeAll(t *testing.T, schemas *registry, schema bool, count int, records []opencdc.Record) run {
	t.Helper()
	p, pid := launch(t, c.program, schemas)
	defer p.Kill()
	d := dispense[pconnector.DestinationPlugin](&process{t: t, client: p}, "destination")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if _, err := d.Configure(ctx, pconnector.DestinationConfigureRequest{Config: with(schema, c.destinationSettings)}); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	if _, err := d.Open(ctx, pconnector.DestinationOpenRequest{}); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	stream := d.(streamer[pconnector.DestinationRunStream]).NewStream()
	before, _ := usage(t, pid)
	began := time.Now()
	if err := d.Run(ctx, stream); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	sent := (count + len(records) - 1) / len(records) * len(records)
	failed := make(chan error, 1)
	go func() {
		for range sent / len(records) {
			if err := stream.Client().Send(pconnector.DestinationRunRequest{Records: records}); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	for answered := 0; answered < sent; {
		response, err := stream.Client().Recv()
		if err != nil {
			t.Fatalf("%s after %d answers: %v", c.name, answered, err)
		}
		for _, ack := range response.Acks {
			if ack.Error != "" {
				t.Fatalf("%s refused %q: %s", c.name, ack.Position, ack.Error)
			}
		}
		answered += len(response.Acks)
	}
	elapsed := time.Since(began)
	after, peak := usage(t, pid)
	if err := <-failed; err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	return run{
		SDK: c.name, Side: "destination", Schema: schema, Records: sent, Seconds: elapsed.Seconds(), CPUSeconds: after - before, PeakBytes: peak,
	}
}
