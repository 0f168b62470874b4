package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/conduitio/conduit-commons/config"
	"github.com/conduitio/conduit-commons/opencdc"
	"github.com/conduitio/conduit-connector-protocol/pconnector"
	"github.com/conduitio/conduit-connector-protocol/pconnector/client"
	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
)

// patience bounds every wait of these tests. It is not a measure: it only
// turns "never" into a failure, on a machine that has much else to do.
const patience = 60 * time.Second

// versions are the protocol versions that Conduit's client library speaks.
var versions = []int{2, 1}

// eachVersion runs a test once for every protocol version.
func eachVersion(t *testing.T, test func(t *testing.T, version int)) {
	t.Helper()
	for _, version := range versions {
		t.Run(fmt.Sprintf("v%d", version), func(t *testing.T) { test(t, version) })
	}
}

// binary is the absolute path that an environment variable names. The tests
// fail plainly without it: they would prove nothing.
func binary(t *testing.T, variable, what string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Fatalf("%s is not set: it has to be the path of %s (see README.md)", variable, what)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return path
}

// onlyVersion makes Conduit's client offer one protocol version, as an older
// or a newer Conduit does.
type onlyVersion int

func (v onlyVersion) ApplyOption(cfg *goplugin.ClientConfig) error {
	set, ok := cfg.VersionedPlugins[int(v)]
	if !ok {
		return fmt.Errorf("the client library doesn't know protocol version %d", v)
	}
	cfg.VersionedPlugins = map[int]goplugin.PluginSet{int(v): set}
	return nil
}

// process is the connector's process under Conduit's client.
type process struct {
	t      *testing.T
	client *goplugin.Client
	logs   *logs
}

// logger is a logger of go-hclog that takes a StandardWriter without options,
// as the client library asks for one; Conduit's own logger does.
type logger struct{ hclog.Logger }

func (l logger) StandardWriter(opts *hclog.StandardLoggerOptions) io.Writer {
	if opts == nil {
		opts = &hclog.StandardLoggerOptions{}
	}
	return l.Logger.StandardWriter(opts)
}

// start runs the connector the way Conduit's standalone dispenser does. The
// process is killed when the test ends.
func start(t *testing.T, version int, options ...client.Option) *process {
	t.Helper()
	p := &process{t: t, logs: &logs{}}
	c, err := client.New(
		logger{hclog.New(&hclog.LoggerOptions{Name: "conduit", Level: hclog.Trace, Output: p.logs})},
		binary(t, "CONDUIT_CONNECTOR_HUBSPOT", "the connector's binary"),
		append([]client.Option{
			client.WithEnvVar(pconnector.EnvConduitConnectorID, "interop:"+t.Name()),
			client.WithEnvVar(pconnector.EnvConduitConnectorLogLevel, "trace"),
			client.WithEnvVar(pconnector.EnvConduitConnectorMaxReceiveRecordSize, "4194304"),
			onlyVersion(version),
		}, options...)...,
	)
	if err != nil {
		t.Fatalf("create the client: %v", err)
	}
	p.client = c
	t.Cleanup(func() {
		p.client.Kill()
		if t.Failed() {
			t.Logf("the connector's log:\n%s", p.logs)
		}
	})
	if _, err := c.Client(); err != nil {
		t.Fatalf("start the connector: %v", err)
	}
	if got := c.NegotiatedVersion(); got != version {
		t.Fatalf("negotiated protocol version %d instead of %d", got, version)
	}
	return p
}

func dispense[T any](p *process, name string) T {
	p.t.Helper()
	protocol, err := p.client.Client()
	if err != nil {
		p.t.Fatalf("connect: %v", err)
	}
	raw, err := protocol.Dispense(name)
	if err != nil {
		p.t.Fatalf("dispense the %s: %v", name, err)
	}
	plugin, ok := raw.(T)
	if !ok {
		p.t.Fatalf("the %s is a %T", name, raw)
	}
	return plugin
}

func (p *process) specifier() pconnector.SpecifierPlugin {
	return dispense[pconnector.SpecifierPlugin](p, "specifier")
}

// kill ends the process as Conduit does after a teardown, and checks that it
// went on its own feet: go-plugin waits two seconds and then kills.
func (p *process) kill() {
	p.t.Helper()
	if p.client.Exited() {
		p.t.Fatal("the connector's process had ended before it was asked to")
	}
	started := time.Now()
	p.client.Kill()
	if !p.client.Exited() {
		p.t.Fatal("the connector's process still runs after Kill")
	}
	if strings.Contains(p.logs.String(), "plugin failed to exit gracefully") {
		p.t.Errorf("the connector didn't exit within the two seconds that go-plugin gives it (%s)", time.Since(started))
	}
}

// logs collects what the host's logger writes.
type logs struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(b)
}

func (l *logs) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// bounded is a context for one call.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// streamer is what the clients of both protocol versions have beside the
// interface: a stream to hand to Run.
type streamer[S any] interface{ NewStream() S }

// source drives a source.
type source struct {
	pconnector.SourcePlugin
	process *process
	stream  pconnector.SourceRunStreamClient
	cancel  context.CancelFunc
	arrived chan arrival
	last    opencdc.Position
}

type arrival struct {
	records []opencdc.Record
	err     error
}

func startSource(t *testing.T, version int, options ...client.Option) *source {
	t.Helper()
	p := start(t, version, options...)
	return &source{SourcePlugin: dispense[pconnector.SourcePlugin](p, "source"), process: p}
}

// openSource starts, configures and opens a source and begins to read.
func openSource(t *testing.T, version int, cfg config.Config, position opencdc.Position) *source {
	t.Helper()
	s := startSource(t, version)
	s.configure(cfg)
	if _, err := s.Open(bounded(t), pconnector.SourceOpenRequest{Position: position}); err != nil {
		t.Fatalf("open at %q: %v", position, err)
	}
	s.run()
	return s
}

func (s *source) configure(cfg config.Config) {
	s.process.t.Helper()
	if _, err := s.Configure(bounded(s.process.t), pconnector.SourceConfigureRequest{Config: cfg}); err != nil {
		s.process.t.Fatalf("configure: %v", err)
	}
}

func (s *source) run() {
	t := s.process.t
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	stream := s.SourcePlugin.(streamer[pconnector.SourceRunStream]).NewStream()
	if err := s.Run(ctx, stream); err != nil {
		t.Fatalf("run: %v", err)
	}
	s.stream, s.cancel, s.arrived = stream.Client(), cancel, make(chan arrival, 1024)
	go func() {
		for {
			response, err := s.stream.Recv()
			s.arrived <- arrival{response.Records, err}
			if err != nil {
				return
			}
		}
	}()
}

// next waits for the next records; it fails the test when none come.
func (s *source) next() []opencdc.Record {
	t := s.process.t
	t.Helper()
	select {
	case a := <-s.arrived:
		if a.err != nil {
			t.Fatalf("the stream ended: %v", a.err)
		}
		s.last = a.records[len(a.records)-1].Position
		return a.records
	case <-time.After(patience):
		t.Fatal("waited for records in vain")
		return nil
	}
}

// take reads at least n records, acknowledging each.
func (s *source) take(n int) []opencdc.Record {
	s.process.t.Helper()
	var records []opencdc.Record
	for len(records) < n {
		batch := s.next()
		s.ack(batch...)
		records = append(records, batch...)
	}
	return records
}

// until reads and acknowledges until done says that all is there.
func (s *source) until(done func(seen []opencdc.Record) bool) []opencdc.Record {
	s.process.t.Helper()
	var records []opencdc.Record
	for !done(records) {
		batch := s.next()
		s.ack(batch...)
		records = append(records, batch...)
	}
	return records
}

func (s *source) ack(records ...opencdc.Record) {
	s.process.t.Helper()
	positions := make([]opencdc.Position, len(records))
	for i, record := range records {
		positions[i] = record.Position
	}
	if err := s.stream.Send(pconnector.SourceRunRequest{AckPositions: positions}); err != nil {
		s.process.t.Fatalf("ack: %v", err)
	}
}

// failure waits for the stream's error.
func (s *source) failure() error {
	s.process.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case a := <-s.arrived:
			if a.err != nil {
				return a.err
			}
		case <-deadline:
			s.process.t.Fatal("waited for the stream's error in vain")
		}
	}
}

// stop asks the source to stop, reads up to the position that it answers, as
// Conduit does, and returns those last records.
func (s *source) stop() ([]opencdc.Record, opencdc.Position) {
	t := s.process.t
	t.Helper()
	response, err := s.Stop(bounded(t), pconnector.SourceStopRequest{})
	if err != nil {
		t.Fatalf("stop: %v", err)
	}
	var rest []opencdc.Record
	for len(response.LastPosition) > 0 && !bytes.Equal(s.last, response.LastPosition) {
		batch := s.next()
		s.ack(batch...)
		rest = append(rest, batch...)
	}
	return rest, response.LastPosition
}

// close ends the stream as Conduit does, tears down and ends the process.
func (s *source) close() {
	t := s.process.t
	t.Helper()
	if s.cancel != nil {
		s.cancel()
	}
	if _, err := s.Teardown(bounded(t), pconnector.SourceTeardownRequest{}); err != nil {
		t.Errorf("teardown: %v", err)
	}
	s.process.kill()
}

// destination drives a destination.
type destination struct {
	pconnector.DestinationPlugin
	process *process
	stream  pconnector.DestinationRunStreamClient
	cancel  context.CancelFunc
}

func startDestination(t *testing.T, version int) *destination {
	t.Helper()
	p := start(t, version)
	return &destination{DestinationPlugin: dispense[pconnector.DestinationPlugin](p, "destination"), process: p}
}

// openDestination starts, configures and opens a destination and begins to
// write.
func openDestination(t *testing.T, version int, cfg config.Config) *destination {
	t.Helper()
	d := startDestination(t, version)
	if _, err := d.Configure(bounded(t), pconnector.DestinationConfigureRequest{Config: cfg}); err != nil {
		t.Fatalf("configure: %v", err)
	}
	if _, err := d.Open(bounded(t), pconnector.DestinationOpenRequest{}); err != nil {
		t.Fatalf("open: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	stream := d.DestinationPlugin.(streamer[pconnector.DestinationRunStream]).NewStream()
	if err := d.Run(ctx, stream); err != nil {
		t.Fatalf("run: %v", err)
	}
	d.stream, d.cancel = stream.Client(), cancel
	return d
}

// write sends the records and returns the error of each ack, "" for success.
// It checks that there is one ack a record, in the order of the records.
func (d *destination) write(records ...opencdc.Record) []string {
	t := d.process.t
	t.Helper()
	type result struct {
		errors []string
		err    error
	}
	done := make(chan result, 1)
	go func() {
		var errs []string
		for len(errs) < len(records) {
			response, err := d.stream.Recv()
			if err != nil {
				done <- result{errs, err}
				return
			}
			for _, ack := range response.Acks {
				if len(errs) == len(records) {
					done <- result{errs, errors.New("more acks than records")}
					return
				}
				if want := records[len(errs)].Position; !bytes.Equal(ack.Position, want) {
					done <- result{errs, fmt.Errorf("ack %d is for %q instead of %q", len(errs), ack.Position, want)}
					return
				}
				errs = append(errs, ack.Error)
			}
		}
		done <- result{errs, nil}
	}()
	if err := d.stream.Send(pconnector.DestinationRunRequest{Records: records}); err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("send: %v", err)
	}
	select {
	case r := <-done:
		if r.err != nil {
			t.Fatalf("after %d of %d acks: %v", len(r.errors), len(records), r.err)
		}
		return r.errors
	case <-time.After(patience):
		t.Fatalf("waited for %d acks in vain", len(records))
		return nil
	}
}

// close stops at the position, tears down and ends the process.
func (d *destination) close(last opencdc.Position) {
	t := d.process.t
	t.Helper()
	if _, err := d.Stop(bounded(t), pconnector.DestinationStopRequest{LastPosition: last}); err != nil {
		t.Errorf("stop: %v", err)
	}
	d.cancel()
	if _, err := d.Teardown(bounded(t), pconnector.DestinationTeardownRequest{}); err != nil {
		t.Errorf("teardown: %v", err)
	}
	d.process.kill()
}
