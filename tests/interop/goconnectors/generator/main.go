// Command generator is the twin of examples/generator on Conduit's Go SDK: a
// source that makes the same records, and a destination that keeps nothing.
// It is there to be measured beside it.
package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/conduitio/conduit-commons/config"
	"github.com/conduitio/conduit-commons/opencdc"
	sdk "github.com/conduitio/conduit-connector-sdk"
)

func main() {
	sdk.Serve(sdk.Connector{
		NewSpecification: specification,
		NewSource:        func() sdk.Source { return sdk.SourceWithMiddleware(&source{}) },
		NewDestination:   func() sdk.Destination { return sdk.DestinationWithMiddleware(&destination{}) },
	})
}

// specification has the middleware's parameters with it: without them it is a
// nil pointer in Open.
func specification() sdk.Specification {
	parameters := func(values map[string]string) config.Parameters {
		all := config.Parameters{}
		for name, value := range values {
			all[name] = config.Parameter{Type: config.ParameterTypeString, Default: value, Description: name}
		}
		return all
	}
	return sdk.Specification{
		Name: "generator", Summary: "Makes records.", Description: "Makes people of eight fields each.",
		Version: "v0.1.0", Author: "HubSpot for Conduit contributors",
		SourceParams: parameters(map[string]string{
			"count": "0", "collection": "people", "sdk.batch.size": "0", "sdk.batch.delay": "0",
			"sdk.schema.context.enabled": "true", "sdk.schema.context.name": "", "sdk.schema.extract.type": "avro",
			"sdk.schema.extract.payload.enabled": "true", "sdk.schema.extract.payload.subject": "payload",
			"sdk.schema.extract.key.enabled": "true", "sdk.schema.extract.key.subject": "key",
		}),
		DestinationParams: parameters(map[string]string{
			"sdk.batch.size": "0", "sdk.batch.delay": "0", "sdk.rate.perSecond": "0", "sdk.rate.burst": "0",
			"sdk.record.format": "opencdc/json", "sdk.record.format.options": "",
			"sdk.schema.extract.payload.enabled": "true", "sdk.schema.extract.key.enabled": "true",
		}),
	}
}

type sourceConfig struct {
	sdk.DefaultSourceMiddleware

	Count      int    `json:"count"`
	Collection string `json:"collection"`
}

type source struct {
	sdk.UnimplementedSource

	config sourceConfig
	made   int
}

func (s *source) Config() sdk.SourceConfig { return &s.config }

func (s *source) Open(_ context.Context, position opencdc.Position) (err error) {
	if len(position) > 0 {
		s.made, err = strconv.Atoi(string(position))
	}
	return err
}

func (s *source) Read(context.Context) (opencdc.Record, error) {
	if s.config.Count > 0 && s.made >= s.config.Count {
		return opencdc.Record{}, sdk.ErrBackoffRetry
	}
	s.made++
	return person(s.made, s.config.Collection), nil
}

func (s *source) ReadN(ctx context.Context, n int) ([]opencdc.Record, error) {
	records := make([]opencdc.Record, 0, n)
	for len(records) < n {
		record, err := s.Read(ctx)
		if err != nil {
			if len(records) > 0 {
				break
			}
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

func (s *source) Ack(context.Context, opencdc.Position) error { return nil }

func (s *source) Teardown(context.Context) error { return nil }

func person(number int, collection string) opencdc.Record {
	return opencdc.Record{
		Position:  opencdc.Position(strconv.Itoa(number)),
		Operation: opencdc.OperationCreate,
		Metadata:  opencdc.Metadata{opencdc.MetadataCollection: collection},
		Key:       opencdc.StructuredData{"id": number},
		Payload: opencdc.Change{After: opencdc.StructuredData{
			"id":      number,
			"name":    fmt.Sprintf("Person %d", number),
			"email":   fmt.Sprintf("person%d@example.com", number),
			"score":   float64(number) / 8,
			"active":  number%2 == 0,
			"note":    "Made to be read, and forgotten again.",
			"tags":    []any{"generated", "example"},
			"address": map[string]any{"city": "London", "floor": number % 40},
		}},
	}
}

type destinationConfig struct {
	sdk.DefaultDestinationMiddleware
}

type destination struct {
	sdk.UnimplementedDestination

	config destinationConfig
}

func (d *destination) Config() sdk.DestinationConfig { return &d.config }

func (d *destination) Open(context.Context) error { return nil }

func (d *destination) Write(_ context.Context, records []opencdc.Record) (int, error) {
	return len(records), nil
}

func (d *destination) Teardown(context.Context) error { return nil }
