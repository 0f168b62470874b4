// Command goconnector runs the Go connector v0.1.0 against an emulator.
//
// That connector knows one address, https://api.hubapi.com: here its own
// client is given an HTTP transport that sends every request to the emulator
// instead. Nothing else of it is replaced: the iterator and the writer are the
// ones that its Source and Destination use, with the configuration parsed by
// its own code.
//
// It is a module and a program of its own because that connector needs an
// older SDK than Conduit's present client library, and its protocol files
// would be registered twice in one process.
//
//	goconnector source < job.json        records go to stdout, one JSON a line
//	goconnector destination < job.json   reads "records" of the job
//
// The source ends when its standard input is closed, or after "limit" records.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/conduitio-labs/conduit-connector-hubspot/config"
	"github.com/conduitio-labs/conduit-connector-hubspot/destination/writer"
	"github.com/conduitio-labs/conduit-connector-hubspot/hubspot"
	"github.com/conduitio-labs/conduit-connector-hubspot/source"
	"github.com/conduitio-labs/conduit-connector-hubspot/source/iterator"
	sdk "github.com/conduitio/conduit-connector-sdk"
)

// job is what to run: one line of JSON on standard input.
type job struct {
	// BaseURL is the emulator's address.
	BaseURL string `json:"baseUrl"`
	// Config has the connector's own parameters.
	Config map[string]string `json:"config"`
	// Position is where a source resumes; empty starts anew.
	Position []byte `json:"position"`
	// Limit ends a source after so many records; 0 is no limit.
	Limit int `json:"limit"`
	// Records are what a destination writes.
	Records []record `json:"records"`
}

// record is the part of a record that the comparison looks at.
type record struct {
	Position  []byte            `json:"position"`
	Operation string            `json:"operation"`
	Metadata  map[string]string `json:"metadata"`
	Key       map[string]any    `json:"key"`
	Before    map[string]any    `json:"before"`
	After     map[string]any    `json:"after"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "goconnector:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("usage: goconnector source|destination < job.json")
	}
	input := bufio.NewReader(os.Stdin)
	line, err := input.ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the job: %w", err)
	}
	var j job
	if err := json.Unmarshal(line, &j); err != nil {
		return fmt.Errorf("parse the job: %w", err)
	}
	target, err := url.Parse(j.BaseURL)
	if err != nil {
		return fmt.Errorf("parse baseUrl: %w", err)
	}
	client := &http.Client{Transport: redirect{target}, Timeout: 30 * time.Second}

	switch os.Args[1] {
	case "source":
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			_, _ = io.Copy(io.Discard, input)
			cancel()
		}()
		return runSource(ctx, j, client)
	case "destination":
		return runDestination(context.Background(), j, client)
	default:
		return fmt.Errorf("%q is neither source nor destination", os.Args[1])
	}
}

// redirect sends requests for HubSpot to the emulator.
type redirect struct{ target *url.URL }

func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host, req.Host = r.target.Scheme, r.target.Host, r.target.Host
	return http.DefaultTransport.RoundTrip(req)
}

func runSource(ctx context.Context, j job, client *http.Client) error {
	cfg, err := source.ParseConfig(j.Config)
	if err != nil {
		return fmt.Errorf("parse the configuration: %w", err)
	}
	position, err := iterator.ParsePosition(j.Position)
	if err != nil && !errors.Is(err, iterator.ErrEmptyPosition) {
		return fmt.Errorf("parse the position: %w", err)
	}
	records, err := iterator.NewCombined(ctx, iterator.CombinedParams{
		HubSpotClient:   hubspot.NewClient(cfg.AccessToken, client),
		Resource:        cfg.Resource,
		BufferSize:      cfg.BufferSize,
		PollingPeriod:   cfg.PollingPeriod,
		Position:        position,
		ExtraProperties: cfg.ExtraProperties,
		Snapshot:        cfg.Snapshot,
	})
	if err != nil {
		return err
	}

	// Says that the connector is at work: what changes from here on, it sees.
	fmt.Fprintln(os.Stderr, "open")
	out := json.NewEncoder(os.Stdout)
	for sent := 0; j.Limit == 0 || sent < j.Limit; {
		more, err := records.HasNext(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if !more {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		r, err := records.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		key, err := structured(r.Key)
		if err != nil {
			return err
		}
		before, err := structured(r.Payload.Before)
		if err != nil {
			return err
		}
		after, err := structured(r.Payload.After)
		if err != nil {
			return err
		}
		if err := out.Encode(record{
			Position: r.Position, Operation: r.Operation.String(), Metadata: r.Metadata,
			Key: key, Before: before, After: after,
		}); err != nil {
			return err
		}
		sent++
	}
	return nil
}

func structured(data sdk.Data) (map[string]any, error) {
	if data == nil {
		return nil, nil
	}
	if s, ok := data.(sdk.StructuredData); ok && s == nil {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data.Bytes()))
	var out map[string]any
	if err := decoder.Decode(&out); err != nil {
		return nil, fmt.Errorf("decode a record's data: %w", err)
	}
	return out, nil
}

func runDestination(ctx context.Context, j job, client *http.Client) error {
	cfg, err := config.Parse(j.Config)
	if err != nil {
		return fmt.Errorf("parse the configuration: %w", err)
	}
	w := writer.NewWriter(writer.Params{
		HubSpotClient: hubspot.NewClient(cfg.AccessToken, client),
		Resource:      cfg.Resource,
	})
	for i, r := range j.Records {
		var operation sdk.Operation
		if err := operation.UnmarshalText([]byte(r.Operation)); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		if err := w.Write(ctx, sdk.Record{
			Position: r.Position, Operation: operation, Key: data(r.Key),
			Payload: sdk.Change{Before: data(r.Before), After: data(r.After)},
		}); err != nil {
			return fmt.Errorf("write record %d: %w", i, err)
		}
	}
	return nil
}

func data(m map[string]any) sdk.Data {
	if m == nil {
		return nil
	}
	return sdk.StructuredData(m)
}
