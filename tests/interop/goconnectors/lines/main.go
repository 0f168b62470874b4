// Command lines is the smallest connector that has both halves on Conduit's
// Go SDK: its source reads the lines of a file, its destination writes lines.
// What the acceptance suite finds of it, it finds of the SDK.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strconv"

	"github.com/conduitio/conduit-commons/config"
	"github.com/conduitio/conduit-commons/opencdc"
	sdk "github.com/conduitio/conduit-connector-sdk"
)

func main() {
	own := func() config.Parameters {
		return config.Parameters{
			"path": parameter(config.ParameterTypeString, "", "The file.", config.ValidationRequired{}),
			"limit": parameter(config.ParameterTypeInt, "1000", "How many bytes a line may have.",
				config.ValidationGreaterThan{V: 0}, config.ValidationLessThan{V: 100000000}),
			"sdk.batch.size":                     parameter(config.ParameterTypeInt, "0", "Records a batch.", config.ValidationGreaterThan{V: -1}),
			"sdk.batch.delay":                    parameter(config.ParameterTypeDuration, "0", "Time until a batch is sent."),
			"sdk.schema.extract.payload.enabled": parameter(config.ParameterTypeBool, "true", "Schemas of payloads."),
			"sdk.schema.extract.key.enabled":     parameter(config.ParameterTypeBool, "true", "Schemas of keys."),
		}
	}
	// The middleware reads these without looking whether they are there: a
	// specification without them is a nil pointer in Open.
	ofSource := own()
	maps.Copy(ofSource, config.Parameters{
		"sdk.schema.context.enabled":         parameter(config.ParameterTypeBool, "true", "Subjects with a context."),
		"sdk.schema.context.name":            parameter(config.ParameterTypeString, "", "The context."),
		"sdk.schema.extract.type":            parameter(config.ParameterTypeString, "avro", "The schemas' type."),
		"sdk.schema.extract.payload.subject": parameter(config.ParameterTypeString, "payload", "The payloads' subject."),
		"sdk.schema.extract.key.subject":     parameter(config.ParameterTypeString, "key", "The keys' subject."),
	})
	ofDestination := own()
	maps.Copy(ofDestination, config.Parameters{
		"sdk.rate.perSecond":        parameter(config.ParameterTypeFloat, "0", "Records a second.", config.ValidationGreaterThan{V: -1}),
		"sdk.rate.burst":            parameter(config.ParameterTypeInt, "0", "Records at once.", config.ValidationGreaterThan{V: -1}),
		"sdk.record.format":         parameter(config.ParameterTypeString, "opencdc/json", "What records are written as."),
		"sdk.record.format.options": parameter(config.ParameterTypeString, "", "Options of the format."),
	})
	specification := sdk.Specification{
		Name: "lines", Summary: "Lines of a file.", Description: "Reads and writes the lines of a file.",
		Version: "v0.1.0", Author: "HubSpot for Conduit contributors",
		SourceParams: ofSource, DestinationParams: ofDestination,
	}
	sdk.Serve(sdk.Connector{
		NewSpecification: func() sdk.Specification { return specification },
		NewSource:        func() sdk.Source { return sdk.SourceWithMiddleware(&source{}) },
		NewDestination:   func() sdk.Destination { return sdk.DestinationWithMiddleware(&destination{}) },
	})
}

func parameter(kind config.ParameterType, value, description string, validations ...config.Validation) config.Parameter {
	return config.Parameter{Type: kind, Default: value, Description: description, Validations: validations}
}

type sourceConfig struct {
	sdk.DefaultSourceMiddleware

	Path  string `json:"path"`
	Limit int    `json:"limit"`
}

// source reads the lines of a file. Positions are offsets of what follows a
// line.
type source struct {
	sdk.UnimplementedSource

	config sourceConfig
	file   *os.File
	// there is the file's size when the source was opened.
	there  int64
	offset int64
	// begun is a line whose end isn't written yet.
	begun string
	lines *bufio.Reader
}

func (s *source) Config() sdk.SourceConfig { return &s.config }

func (s *source) Open(_ context.Context, position opencdc.Position) error {
	var err error
	if len(position) > 0 {
		if s.offset, err = strconv.ParseInt(string(position), 10, 64); err != nil {
			return fmt.Errorf("parse the position: %w", err)
		}
	}
	if s.file, err = os.OpenFile(s.config.Path, os.O_RDONLY|os.O_CREATE, 0o600); err != nil {
		return err
	}
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.there = info.Size()
	if _, err := s.file.Seek(s.offset, io.SeekStart); err != nil {
		return err
	}
	s.lines = bufio.NewReader(s.file)
	return nil
}

func (s *source) Read(context.Context) (opencdc.Record, error) {
	text, err := s.lines.ReadString('\n')
	s.begun += text
	if errors.Is(err, io.EOF) {
		return opencdc.Record{}, sdk.ErrBackoffRetry
	}
	if err != nil {
		return opencdc.Record{}, err
	}
	line := s.begun
	s.begun = ""
	s.offset += int64(len(line))
	position := opencdc.Position(strconv.FormatInt(s.offset, 10))
	key := opencdc.StructuredData{"offset": s.offset}
	payload := opencdc.StructuredData{"line": line[:len(line)-1]}
	if s.offset <= s.there {
		return sdk.Util.Source.NewRecordSnapshot(position, nil, key, payload), nil
	}
	return sdk.Util.Source.NewRecordCreate(position, nil, key, payload), nil
}

func (s *source) Ack(context.Context, opencdc.Position) error { return nil }

func (s *source) Teardown(context.Context) error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

type destinationConfig struct {
	sdk.DefaultDestinationMiddleware

	Path  string `json:"path"`
	Limit int    `json:"limit"`
}

// destination writes a line for each record, and deletes none.
type destination struct {
	sdk.UnimplementedDestination

	config destinationConfig
	file   *os.File
}

func (d *destination) Config() sdk.DestinationConfig { return &d.config }

func (d *destination) Open(context.Context) error {
	var err error
	d.file, err = os.OpenFile(d.config.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return err
}

func (d *destination) Write(_ context.Context, records []opencdc.Record) (int, error) {
	for i, record := range records {
		if record.Operation == opencdc.OperationDelete {
			return i, errors.New("lines are never deleted")
		}
		if _, err := d.file.Write(append(record.Payload.After.Bytes(), '\n')); err != nil {
			return i, err
		}
	}
	return len(records), nil
}

func (d *destination) Teardown(context.Context) error {
	if d.file == nil {
		return nil
	}
	return d.file.Close()
}
