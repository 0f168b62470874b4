package interop

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/conduitio/conduit-commons/opencdc"
	"github.com/conduitio/conduit-commons/schema/avro"
)

// records is how many records each of these tests generates.
const records = 2000

// codec is the Rust SDK's schemas as a process that answers lines of JSON.
type codec struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Scanner
}

type answer struct {
	Schema string `json:"schema"`
	Bytes  []byte `json:"bytes"`
	Fields any    `json:"fields"`
	Error  string `json:"error"`
}

func startCodec(t *testing.T) *codec {
	t.Helper()
	in, out := startExample(t, "conduit-connector-sdk", "schema_codec", "SCHEMA_CODEC")
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 16<<20)
	return &codec{t: t, in: in, out: scanner}
}

func (c *codec) ask(line map[string]any) answer {
	c.t.Helper()
	if _, err := io.WriteString(c.in, toJSON(line)+"\n"); err != nil {
		c.t.Fatal(err)
	}
	if !c.out.Scan() {
		c.t.Fatalf("schema_codec ended: %v", c.out.Err())
	}
	var got answer
	decoder := json.NewDecoder(strings.NewReader(c.out.Text()))
	decoder.UseNumber()
	if err := decoder.Decode(&got); err != nil {
		c.t.Fatalf("%v in %s", err, c.out.Text())
	}
	got.Fields = numbers(got.Fields)
	return got
}

// toJSON writes floating-point numbers as such: 1.0, not 1.
func toJSON(v any) string {
	var b strings.Builder
	switch v := v.(type) {
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return text
	case map[string]any:
		b.WriteByte('{')
		for name, value := range v {
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			b.WriteString(toJSON(name) + ":" + toJSON(value))
		}
		b.WriteByte('}')
		return b.String()
	case []any:
		b.WriteByte('[')
		for i, value := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(toJSON(value))
		}
		b.WriteByte(']')
		return b.String()
	default:
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return string(text)
	}
}

// numbers makes JSON's numbers int64 where they are integers, and float64
// otherwise.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		n, err := v.Float64()
		if err != nil {
			panic(err)
		}
		return n
	case map[string]any:
		for name, value := range v {
			v[name] = numbers(value)
		}
	case []any:
		for i, value := range v {
			v[i] = numbers(value)
		}
	}
	return v
}

// copyOf is a deep copy: Go's library changes what it encodes.
func copyOf(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			out[name] = copyOf(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = copyOf(value)
		}
		return out
	default:
		return v
	}
}

// generator makes fields of records.
type generator struct{ *rand.Rand }

// newGenerator says its seed, so that a failure can be run again with
// SCHEMA_SEED.
func newGenerator(t *testing.T) generator {
	t.Helper()
	seed := time.Now().UnixNano()
	if text := os.Getenv("SCHEMA_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseInt(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SCHEMA_SEED=%d", seed)
	return generator{rand.New(rand.NewSource(seed))}
}

func (g generator) fields(names ...string) map[string]any {
	out := map[string]any{}
	for range g.Intn(len(names) + 1) {
		out[names[g.Intn(len(names))]] = g.value(0)
	}
	return out
}

func (g generator) value(depth int) any {
	kinds := 7
	if depth > 3 {
		kinds = 5
	}
	switch g.Intn(kinds) {
	case 0:
		return nil
	case 1:
		return g.Intn(2) == 0
	case 2:
		return []int64{0, -1, 1, 63, 64, -64, -65, math.MaxInt32, math.MinInt32, 1<<53 + 1, math.MaxInt64, math.MinInt64, g.Int63()}[g.Intn(13)]
	case 3:
		// Few digits: these are read alike by every parser.
		return float64(g.Intn(1<<20)-1<<19) / 1024
	case 4:
		return []string{"", "x", "ä\x00\U0001f600", "2024-02-29", strings.Repeat("long ", 100)}[g.Intn(5)]
	case 5:
		out := []any{}
		for range g.Intn(4) {
			out = append(out, g.value(depth+1))
		}
		return out
	default:
		out := map[string]any{}
		for i := range g.Intn(4) {
			out[[]string{"", "a.b", "any key", "ü"}[i]] = g.value(depth + 1)
		}
		return out
	}
}

// decode is what Go reads.
func decode(schema string, bytes []byte) (any, error) {
	serde, err := avro.Parse([]byte(schema))
	if err != nil {
		return nil, fmt.Errorf("Go can't parse the schema: %w", err)
	}
	var out opencdc.StructuredData
	if err := serde.Unmarshal(bytes, &out); err != nil {
		return nil, err
	}
	return map[string]any(out), nil
}

// encode is the schema that Go derives, and what it writes by that. Some it
// can't read again, such as lists of lists beside other values in one list.
func encode(t *testing.T, fields map[string]any) (schema string, bytes []byte, readable bool) {
	t.Helper()
	serde, err := avro.SerdeForType(opencdc.StructuredData(copyOf(fields).(map[string]any)))
	if err != nil {
		t.Fatalf("Go has no schema for %s: %v", toJSON(fields), err)
	}
	bytes, err = serde.Marshal(opencdc.StructuredData(copyOf(fields).(map[string]any)))
	if err != nil {
		t.Fatalf("Go can't encode %s: %v", toJSON(fields), err)
	}
	again, err := decode(serde.String(), bytes)
	return serde.String(), bytes, err == nil && reflect.DeepEqual(again, any(fields))
}

// enough fails a test whose records Go could mostly not read.
func enough(t *testing.T, unreadable int) {
	t.Helper()
	t.Logf("%d of %d records Go can't read though it wrote them", unreadable, records)
	if unreadable > records/4 {
		t.Errorf("that is too many for this test to prove anything")
	}
}

// TestSchemaOfOneRecord: the same schema for the same fields, and each side
// reads what the other has encoded.
func TestSchemaOfOneRecord(t *testing.T) {
	c := startCodec(t)
	g := newGenerator(t)
	unreadable := 0
	for range records {
		fields := g.fields("id", "email", "Name", "_x", "a1", "tags", "properties", "Z")
		schema, bytes, readable := encode(t, fields)
		ours := c.ask(map[string]any{"derive": fields})
		if ours.Error != "" || ours.Schema != schema {
			t.Fatalf("%s\nours: %s %s\nGo's: %s", toJSON(fields), ours.Schema, ours.Error, schema)
		}
		read := c.ask(map[string]any{"schema": schema, "bytes": base64.StdEncoding.EncodeToString(bytes)})
		if read.Error != "" || !reflect.DeepEqual(read.Fields, any(fields)) {
			t.Fatalf("ours reads of Go's bytes: %s %s\ninstead of %s", toJSON(read.Fields), read.Error, toJSON(fields))
		}
		if !readable {
			unreadable++
			continue
		}
		its, err := decode(ours.Schema, ours.Bytes)
		if err != nil || !reflect.DeepEqual(its, any(fields)) {
			t.Fatalf("Go reads of our bytes: %v %v\ninstead of %s\nby %s", its, err, toJSON(fields), ours.Schema)
		}
	}
	enough(t, unreadable)
}

// TestSchemaOfManyRecords: records of one source share versions where they
// can, and Go reads each as it was, if it could by a version of its own.
func TestSchemaOfManyRecords(t *testing.T) {
	c := startCodec(t)
	g := newGenerator(t)
	unreadable := 0
	versions, alone := map[string]bool{}, map[string]bool{}
	for range records {
		fields := g.fields("id", "email", "tags")
		schema, _, readable := encode(t, fields)
		ours := c.ask(map[string]any{"extract": fields})
		if ours.Error != "" {
			t.Fatalf("%s: %s", toJSON(fields), ours.Error)
		}
		versions[ours.Schema], alone[schema] = true, true
		read := c.ask(map[string]any{"schema": ours.Schema, "bytes": base64.StdEncoding.EncodeToString(ours.Bytes)})
		if read.Error != "" || !reflect.DeepEqual(read.Fields, any(fields)) {
			t.Fatalf("ours reads of our bytes: %s %s\ninstead of %s", toJSON(read.Fields), read.Error, toJSON(fields))
		}
		if !readable {
			unreadable++
			continue
		}
		its, err := decode(ours.Schema, ours.Bytes)
		if err != nil || !reflect.DeepEqual(its, any(fields)) {
			t.Fatalf("Go reads of our bytes: %v %v\ninstead of %s\nby %s", its, err, toJSON(fields), ours.Schema)
		}
	}
	enough(t, unreadable)
	t.Logf("%d versions; Go makes %d of the same records", len(versions), len(alone))
	if len(versions) >= len(alone) {
		t.Errorf("%d versions, and one for each shape would be %d", len(versions), len(alone))
	}
}

// TestSchemaNames: what Go refuses as the name of a field, ours does.
func TestSchemaNames(t *testing.T) {
	c := startCodec(t)
	for _, name := range []string{"", "a.b", "a-b", "9", "ä", "a b", "a", "_", "A9_"} {
		fields := map[string]any{name: int64(1)}
		_, err := avro.SerdeForType(opencdc.StructuredData(fields))
		ours := c.ask(map[string]any{"derive": fields})
		if (err == nil) != (ours.Error == "") {
			t.Errorf("%q: Go says %v, ours %q", name, err, ours.Error)
		}
	}
}
