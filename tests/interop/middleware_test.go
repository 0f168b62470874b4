package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/conduitio/conduit-commons/config"
	"github.com/conduitio/conduit-connector-protocol/pconnector"
	"github.com/conduitio/conduit-connector-protocol/pconnector/client"
	"github.com/hashicorp/go-hclog"
)

// example is the path of an example of the Rust SDK: the variable names it,
// or it is where cargo puts examples, beside the connector's binary.
func example(t *testing.T, variable, name string) string {
	t.Helper()
	if os.Getenv(variable) != "" {
		return binary(t, variable, name)
	}
	path := filepath.Join(filepath.Dir(binary(t, "CONDUIT_CONNECTOR_HUBSPOT", "the connector's binary")), "examples", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: cargo build -p conduit-connector-sdk --examples", err)
	}
	return path
}

// specified is what a connector's program says of itself to Conduit's client.
func specified(t *testing.T, path string) pconnector.Specification {
	t.Helper()
	output := &logs{}
	c, err := client.New(
		logger{hclog.New(&hclog.LoggerOptions{Name: "conduit", Level: hclog.Trace, Output: output})},
		path,
		client.WithEnvVar(pconnector.EnvConduitConnectorID, "interop:"+t.Name()),
	)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, client: c, logs: output}
	t.Cleanup(c.Kill)
	response, err := p.specifier().Specify(bounded(t), pconnector.SpecifierSpecifyRequest{})
	if err != nil {
		t.Fatalf("specify: %v", err)
	}
	return response.Specification
}

// described is a parameter but for its description.
func described(name, kind, def string, validations []string) string {
	return fmt.Sprintf("%s %s %q %q", name, kind, def, validations)
}

func listed(parameters config.Parameters) []string {
	var all []string
	for name, p := range parameters {
		if !strings.HasPrefix(name, "sdk.") {
			continue
		}
		validations := []string{}
		for _, v := range p.Validations {
			tag := map[config.ValidationType]string{config.ValidationTypeGreaterThan: "gt", config.ValidationTypeInclusion: "inclusion"}[v.Type()]
			validations = append(validations, tag+"="+v.Value())
		}
		all = append(all, described(name, p.Type.String(), p.Default, validations))
	}
	slices.Sort(all)
	return all
}

// The parameters of our middleware are those of the Go SDK's, which are read
// from it, by name, type, default and validation.
func TestMiddlewareParameters(t *testing.T) {
	out, err := exec.Command(build(t, "goconnectors", "./middleware"), "parameters").Output()
	if err != nil {
		t.Fatal(err)
	}
	var told map[string][]struct {
		Name, Type, Default string
		Validations         []string
	}
	if err := json.Unmarshal(out, &told); err != nil {
		t.Fatal(err)
	}
	ofGo := func(side string) []string {
		var all []string
		for _, p := range told[side] {
			all = append(all, described(p.Name, p.Type, p.Default, p.Validations))
		}
		slices.Sort(all)
		return all
	}
	if len(told["source"]) != 9 || len(told["destination"]) != 8 {
		t.Fatalf("Go's SDK has other parameters: %s", out)
	}
	other := specified(t, example(t, "MISBEHAVING_CONNECTOR", "misbehaving_connector"))
	if ours, theirs := listed(other.SourceParams), ofGo("source"); !slices.Equal(ours, theirs) {
		t.Errorf("a source has\n%s\ninstead of\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
	if ours, theirs := listed(other.DestinationParams), ofGo("destination"); !slices.Equal(ours, theirs) {
		t.Errorf("a destination has\n%s\ninstead of\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}

	// The HubSpot connector: but for schemas of what it reads, which are off.
	hubspot := specified(t, binary(t, "CONDUIT_CONNECTOR_HUBSPOT", "the connector's binary"))
	off := ofGo("source")
	for i := range off {
		for _, part := range []string{"key", "payload"} {
			if strings.HasPrefix(off[i], "sdk.schema.extract."+part+".enabled") {
				off[i] = strings.Replace(off[i], "true", "false", 1)
			}
		}
	}
	if ours := listed(hubspot.SourceParams); !slices.Equal(ours, off) {
		t.Errorf("HubSpot's source has\n%s\ninstead of\n%s", strings.Join(ours, "\n"), strings.Join(off, "\n"))
	}
	if ours, theirs := listed(hubspot.DestinationParams), ofGo("destination"); !slices.Equal(ours, theirs) {
		t.Errorf("HubSpot's destination has\n%s\ninstead of\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
}

// connector.yaml is what Conduit's SDK reads, and says what the program does.
func TestConnectorYAML(t *testing.T) {
	file, err := os.Open("../../connector.yaml")
	if err != nil {
		t.Fatalf("%v: cargo xtask spec", err)
	}
	defer func() { _ = file.Close() }()
	cmd := exec.Command(build(t, "goconnectors", "./middleware"), "yaml")
	cmd.Stdin, cmd.Stderr = file, os.Stderr
	read, err := cmd.Output()
	if err != nil {
		t.Fatalf("Conduit's SDK doesn't read it: %v", err)
	}
	told, err := json.Marshal(specified(t, binary(t, "CONDUIT_CONNECTOR_HUBSPOT", "the connector's binary")))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(sorted(t, string(read)), sorted(t, string(told))) {
		t.Errorf("the file says\n%s\nand the program\n%s", read, told)
	}
}

const person = `{"position":"cC0x","operation":"%s","metadata":{"kind":"person","opencdc.collection":"people","opencdc.readAt":"1700000000123000000"},
	"key":"azE=","payload":{"before":%s,"after":%s}}`

const ada = `{"name":"Ada <&>","score":1.5,"million":1e6,"small":0.00001,"none":null,"yes":true,"tags":["a","b"],"empty":[],
	"address":{"city":"London","at":{"floor":3.25}},"people":[{"name":"B"}]}`

func personRecord(operation, before, after string) json.RawMessage {
	return json.RawMessage(strings.NewReplacer("\n", "", "\t", "").Replace(fmt.Sprintf(person, operation, before, after)))
}

// Records become the same text as with the Go SDK, in each of its formats.
func TestFormats(t *testing.T) {
	type asked struct {
		Format  string          `json:"format"`
		Options string          `json:"options"`
		Record  json.RawMessage `json:"record"`
	}
	type answer struct{ Text, Error string }
	var all []asked
	for _, operation := range []string{"create", "update", "delete", "snapshot"} {
		for _, sides := range [][2]string{{"null", ada}, {ada, "null"}, {ada, ada}, {"null", "null"}, {"null", `"aGVsbG8="`}, {`"eyJhIjp7ImIiOjEuNX19"`, `""`}, {"null", "{}"}} {
			r := personRecord(operation, sides[0], sides[1])
			all = append(all, asked{"opencdc/json", "", r}, asked{"debezium/json", "", r},
				asked{"debezium/json", "debezium.schema.name=people,debezium.rawData.key=raw,other", r})
		}
	}
	for _, template := range []string{
		"plain", "", "{{ .Position }} {{.Operation}}", "{{ .Metadata.kind }}", "{{ .Metadata }}",
		`{{ index .Metadata "opencdc.collection" }}/`, `{{ index .Metadata "nobody" }}/`, "{{ .Key }}", `{{ printf "%s" .Key }}`,
		"{{ .Payload.Before }}", "{{ .Payload.After.name }}", "{{ .Payload.After.none }}", "{{ .Payload.After }}",
		"{{ .Payload.After.score }} {{ .Payload.After.million }} {{ .Payload.After.small }} {{ .Payload.After.yes }}",
		"{{ .Payload.After.tags }} {{ index .Payload.After.tags 1 }}", "{{ .Payload.After.empty }}|{{ .Payload.After.people }}",
		"{{ .Payload.After.address.at.floor }}", "{{ .Payload.After.address }}", `{{ index .Payload.After "address" "city" }}`,
		`{{ index .Payload.After "nothing" }}`, "{{ (index .Payload.After `address`).city }}",
		"{{ toJson .Payload.After.address }}", "{{ .Payload.After.tags | toJson }}",
		`{{ .Payload.After.tags | printf "%s/%v%%: %s" "x" 7 }}`, "a  {{- .Metadata.kind -}}\n b", "a{{/* nothing */}}b{{ \"}}\" }}",
		"a {{- /* c */ -}} b", `{{ "a\tb" }}`, "{{ 7 }} {{ -3 }}",
	} {
		all = append(all, asked{"template", template, personRecord("create", "null", ada)})
	}
	// What a record doesn't have, and what no template can be.
	failing := len(all)
	for _, template := range []string{
		"{{ .Payload.After.email }}", "{{ .Metadata.email }}", "{{ .Payload.Before.name }}", "{{ .Key.name }}",
		"{{ index .Payload.After.tags 7 }}", "{{ .Payload.Afterwards }}", "{{ .Payload.After", "{{ }}", "{{ (.Key }}",
	} {
		all = append(all, asked{"template", template, personRecord("create", "null", ada)})
	}
	var input bytes.Buffer
	for _, a := range all {
		if err := json.NewEncoder(&input).Encode(a); err != nil {
			t.Fatal(err)
		}
	}
	run := func(path string, args ...string) []answer {
		cmd := exec.Command(path, args...)
		cmd.Stdin, cmd.Stderr = bytes.NewReader(input.Bytes()), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		var answers []answer
		for line := range bytes.Lines(out) {
			var a answer
			if err := json.Unmarshal(line, &a); err != nil {
				t.Fatal(err)
			}
			answers = append(answers, a)
		}
		if len(answers) != len(all) {
			t.Fatalf("%s gave %d answers of %d", path, len(answers), len(all))
		}
		return answers
	}
	ours := run(example(t, "FORMAT_RECORDS", "format_records"))
	theirs := run(build(t, "goconnectors", "./middleware"), "format")
	for i, a := range all {
		switch {
		case i >= failing:
			if ours[i].Error == "" || theirs[i].Error == "" {
				t.Errorf("%q doesn't fail: ours %+v, Go's %+v", a.Options, ours[i], theirs[i])
			}
		case ours[i].Error != "" || theirs[i].Error != "":
			t.Errorf("%s %q of %s: ours %q, Go's %q", a.Format, a.Options, a.Record, ours[i].Error, theirs[i].Error)
		case a.Format == "template" && ours[i].Text != theirs[i].Text:
			t.Errorf("%q: ours %q, Go's %q", a.Options, ours[i].Text, theirs[i].Text)
		case a.Format != "template" && !reflect.DeepEqual(sorted(t, ours[i].Text), sorted(t, theirs[i].Text)):
			t.Errorf("%s %q of %s:\nours %s\nGo's %s", a.Format, a.Options, a.Record, ours[i].Text, theirs[i].Text)
		}
	}
}

// sorted is what JSON says, with the fields of Kafka Connect's schemas, which
// Go gives in no order, in that of their names.
func sorted(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	var sort func(any)
	sort = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			if fields, ok := value["fields"].([]any); ok {
				slices.SortFunc(fields, func(a, b any) int {
					return strings.Compare(fmt.Sprint(a.(map[string]any)["field"]), fmt.Sprint(b.(map[string]any)["field"]))
				})
			}
			// Go has nothing where JSON has an empty list.
			if validations, ok := value["validations"].([]any); ok && len(validations) == 0 {
				value["validations"] = nil
			}
			for _, inner := range value {
				sort(inner)
			}
		case []any:
			for _, inner := range value {
				sort(inner)
			}
		}
	}
	sort(value)
	return value
}
