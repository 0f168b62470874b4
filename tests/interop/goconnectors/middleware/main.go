// Command middleware tells what Conduit's Go SDK puts around every connector:
//
//	middleware parameters         the parameters of its default middleware, as JSON
//	middleware format < lines     {"format", "options", "record"} becomes {"text"}, or {"error"}
//	middleware yaml < file        a connector.yaml, as JSON
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/conduitio/conduit-commons/opencdc"
	sdk "github.com/conduitio/conduit-connector-sdk"
)

type parameter struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Default     string   `json:"default"`
	Validations []string `json:"validations"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "middleware:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: middleware parameters|format|yaml")
	}
	if os.Args[1] == "parameters" {
		return json.NewEncoder(os.Stdout).Encode(map[string][]parameter{
			"source":      parameters(reflect.TypeFor[sdk.DefaultSourceMiddleware]()),
			"destination": parameters(reflect.TypeFor[sdk.DefaultDestinationMiddleware]()),
		})
	}
	if os.Args[1] == "yaml" {
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		specification, err := sdk.ParseYAMLSpecification(context.Background(), string(text), "")
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(specification)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		answer := map[string]string{}
		if text, err := format(lines.Bytes()); err != nil {
			answer["error"] = err.Error()
		} else {
			answer["text"] = text
		}
		if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

// parameters are those that the SDK's own generator of specifications makes
// of a struct: by the tags of its fields.
func parameters(of reflect.Type) []parameter {
	var all []parameter
	for i := range of.NumField() {
		field := of.Field(i)
		if field.Anonymous {
			if field.Type.Kind() == reflect.Struct {
				all = append(all, parameters(field.Type)...)
			}
			continue
		}
		name := field.Tag.Get("json")
		if name == "" || name == "-" {
			continue
		}
		p := parameter{Name: name, Type: kind(field.Type), Default: field.Tag.Get("default"), Validations: []string{}}
		if validate := field.Tag.Get("validate"); validate != "" {
			p.Validations = strings.Split(validate, ",")
		}
		all = append(all, p)
	}
	return all
}

func kind(of reflect.Type) string {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	switch {
	case of == reflect.TypeFor[time.Duration]():
		return "duration"
	case of.Kind() == reflect.Float64:
		return "float"
	default:
		return of.Kind().String()
	}
}

func format(line []byte) (string, error) {
	var asked struct {
		Format  string         `json:"format"`
		Options string         `json:"options"`
		Record  opencdc.Record `json:"record"`
	}
	if err := json.Unmarshal(line, &asked); err != nil {
		return "", err
	}
	// JSON has null where a record has nothing at all.
	for _, data := range []*opencdc.Data{&asked.Record.Key, &asked.Record.Payload.Before, &asked.Record.Payload.After} {
		if fields, ok := (*data).(opencdc.StructuredData); ok && fields == nil {
			*data = nil
		}
	}
	for _, serializer := range (&sdk.DestinationWithRecordFormat{}).DefaultRecordSerializers() {
		if serializer.Name() != asked.Format {
			continue
		}
		serializer, err := serializer.Configure(asked.Options)
		if err != nil {
			return "", err
		}
		text, err := serializer.Serialize(asked.Record)
		return string(text), err
	}
	return "", fmt.Errorf("no format %q", asked.Format)
}
