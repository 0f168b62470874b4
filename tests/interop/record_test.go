package interop

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"github.com/conduitio/conduit-commons/opencdc"
	opencdcv1 "github.com/conduitio/conduit-commons/proto/opencdc/v1"
	"google.golang.org/protobuf/proto"
)

// recordCodec is the Rust side's records as a process that answers lines.
type recordCodec struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
}

func startRecordCodec(t *testing.T) *recordCodec {
	t.Helper()
	in, out := startExample(t, "conduit-connector-protocol", "record_codec", "RECORD_CODEC")
	return &recordCodec{t: t, in: in, out: bufio.NewReader(out)}
}

// through sends a record that Go encodes through Rust, and gives what Go
// decodes of what Rust encodes; or the error.
func (c *recordCodec) through(record opencdc.Record) (opencdc.Record, string) {
	c.t.Helper()
	var message opencdcv1.Record
	if err := record.ToProto(&message); err != nil {
		c.t.Fatalf("to a message: %v", err)
	}
	sent, err := proto.Marshal(&message)
	if err != nil {
		c.t.Fatalf("encode: %v", err)
	}
	if _, err := fmt.Fprintln(c.in, base64.StdEncoding.EncodeToString(sent)); err != nil {
		c.t.Fatal(err)
	}
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		c.t.Fatalf("record_codec ended: %v", err)
	}
	var answer struct {
		Bytes []byte `json:"bytes"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		c.t.Fatal(err)
	}
	if answer.Error != "" {
		return opencdc.Record{}, answer.Error
	}
	return decoded(c.t, answer.Bytes), ""
}

func decoded(t *testing.T, bytes []byte) opencdc.Record {
	t.Helper()
	var message opencdcv1.Record
	if err := proto.Unmarshal(bytes, &message); err != nil {
		t.Fatalf("Go doesn't decode it: %v", err)
	}
	var record opencdc.Record
	if err := record.FromProto(&message); err != nil {
		t.Fatalf("Go doesn't take it: %v", err)
	}
	return record
}

// byGo is what Go itself makes of what it sends.
func byGo(t *testing.T, record opencdc.Record) opencdc.Record {
	t.Helper()
	var message opencdcv1.Record
	if err := record.ToProto(&message); err != nil {
		t.Fatal(err)
	}
	bytes, err := proto.Marshal(&message)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, bytes)
}

func withAfter(after opencdc.StructuredData) opencdc.Record {
	return opencdc.Record{
		Position: opencdc.Position("p7"), Operation: opencdc.OperationCreate,
		Key: opencdc.RawData("key"), Payload: opencdc.Change{After: after},
	}
}

// Whatever Go sends arrives in Rust, and what Rust sends arrives in Go.
func TestRecordsThere(t *testing.T) {
	c := startRecordCodec(t)
	seed := rand.Int63()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	for range 2000 {
		record := anyRecord(random)
		back, refused := c.through(record)
		if refused != "" {
			t.Fatalf("Rust refuses %s: %s", record.Bytes(), refused)
		}
		if want := byGo(t, record); !reflect.DeepEqual(back, want) {
			t.Fatalf("sent    %#v\narrived %#v", want, back)
		}
	}
}

// The values that are not what they were, in Go and in Rust: the table in the
// documentation of conduit_connector_protocol::record.
func TestRecordsAtTheLimits(t *testing.T) {
	c := startRecordCodec(t)
	const limit = 1 << 53
	for _, value := range []struct {
		name         string
		sent         any
		inGo, inRust any
	}{
		{"the largest integer that a double has", limit, float64(limit), float64(limit)},
		{"the next", limit + 1, float64(limit), float64(limit)},
		{"the one after", limit + 2, float64(limit + 2), float64(limit + 2)},
		{"the largest of all", uint64(math.MaxUint64), float64(1 << 64), float64(1 << 64)},
		{"the smallest", int64(math.MinInt64), float64(-1 << 63), float64(-1 << 63)},
		{"minus zero", math.Copysign(0, -1), math.Copysign(0, -1), float64(0)},
		{"NaN", math.NaN(), "NaN", nil},
		{"infinity", math.Inf(1), "Infinity", nil},
		{"minus infinity", math.Inf(-1), "-Infinity", nil},
		{"the largest double", math.MaxFloat64, math.MaxFloat64, math.MaxFloat64},
		{"the smallest double", math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat64},
		{"nothing", nil, nil, nil},
	} {
		record := withAfter(opencdc.StructuredData{"value": value.sent})
		if got := byGo(t, record).Payload.After.(opencdc.StructuredData)["value"]; !sameValue(got, value.inGo) {
			t.Errorf("%s: Go makes %v of it instead of %v", value.name, got, value.inGo)
		}
		back, refused := c.through(record)
		if refused != "" {
			t.Errorf("%s: refused: %s", value.name, refused)
			continue
		}
		if got := back.Payload.After.(opencdc.StructuredData)["value"]; !sameValue(got, value.inRust) {
			t.Errorf("%s: Rust makes %v of it instead of %v", value.name, got, value.inRust)
		}
	}
}

// sameValue tells minus zero from zero.
func sameValue(a, b any) bool {
	x, isFloat := a.(float64)
	y, both := b.(float64)
	if isFloat && both {
		return math.Float64bits(x) == math.Float64bits(y)
	}
	return a == b
}

// Go takes far deeper records than Rust; Rust says which it doesn't take.
func TestRecordsNested(t *testing.T) {
	c := startRecordCodec(t)
	for _, levels := range []int{1, 32, 34, 100} {
		record := withAfter(nestedMaps(levels))
		back, refused := c.through(record)
		if refused != "" || !reflect.DeepEqual(back, byGo(t, record)) {
			t.Errorf("%d levels: %s", levels, refused)
		}
	}
	for _, levels := range []int{101, 1000, 3000} {
		record := withAfter(nestedMaps(levels))
		byGo(t, record)
		if _, refused := c.through(record); !strings.Contains(refused, "position p7") || !strings.Contains(refused, "more than 100 levels") {
			t.Errorf("%d levels: %q", levels, refused)
		}
	}
	var message opencdcv1.Record
	record := withAfter(nestedMaps(4000))
	if err := record.ToProto(&message); err != nil {
		t.Fatal(err)
	}
	bytes, err := proto.Marshal(&message)
	if err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(bytes, &message); err == nil {
		t.Error("Go takes 4000 levels, which are more than 10000 messages in one another")
	}
}

func nestedMaps(levels int) opencdc.StructuredData {
	inner := map[string]any{}
	for range levels - 1 {
		inner = map[string]any{"a": inner}
	}
	return inner
}

func TestRecordsOfFourMebibytes(t *testing.T) {
	c := startRecordCodec(t)
	words := make([]any, 4200)
	for i := range words {
		words[i] = strings.Repeat("x", 1000+i%50)
	}
	record := withAfter(opencdc.StructuredData{"words": words})
	back, refused := c.through(record)
	if refused != "" || !reflect.DeepEqual(back, byGo(t, record)) {
		t.Errorf("4 MiB don't arrive: %s", refused)
	}
}

func anyRecord(random *rand.Rand) opencdc.Record {
	record := opencdc.Record{
		Position:  opencdc.Position(anyText(random)),
		Operation: opencdc.Operation(1 + random.Intn(4)),
		Metadata:  opencdc.Metadata{},
		Key:       anyData(random),
		Payload:   opencdc.Change{Before: anyData(random), After: anyData(random)},
	}
	for range random.Intn(4) {
		record.Metadata[anyText(random)] = anyText(random)
	}
	return record
}

func anyData(random *rand.Rand) opencdc.Data {
	switch random.Intn(3) {
	case 0:
		return nil
	case 1:
		bytes := make([]byte, random.Intn(200))
		random.Read(bytes)
		return opencdc.RawData(bytes)
	default:
		return opencdc.StructuredData(anyFields(random, 4))
	}
}

func anyFields(random *rand.Rand, levels int) map[string]any {
	fields := map[string]any{}
	for range random.Intn(6) {
		fields[anyText(random)] = anyValue(random, levels)
	}
	return fields
}

func anyValue(random *rand.Rand, levels int) any {
	kinds := 8
	if levels == 0 {
		kinds = 6
	}
	switch random.Intn(kinds) {
	case 0:
		return nil
	case 1:
		return random.Intn(2) == 0
	case 2:
		return random.Int63() >> random.Intn(64)
	case 3:
		return random.NormFloat64()
	case 4:
		return anyText(random)
	case 5:
		return strings.Repeat(anyText(random), random.Intn(50))
	case 6:
		list := make([]any, random.Intn(5))
		for i := range list {
			list[i] = anyValue(random, levels-1)
		}
		return list
	default:
		return anyFields(random, levels-1)
	}
}

func anyText(random *rand.Rand) string {
	alphabet := []rune("aZ9 .\"\\\n\u0000éß水🚀")
	text := make([]rune, random.Intn(12))
	for i := range text {
		text[i] = alphabet[random.Intn(len(alphabet))]
	}
	return string(text)
}
