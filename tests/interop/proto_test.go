package interop

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	// Imported for their registered descriptors alone.
	_ "github.com/conduitio/conduit-commons/proto/config/v1"
	_ "github.com/conduitio/conduit-commons/proto/opencdc/v1"
	_ "github.com/conduitio/conduit-commons/proto/schema/v1"
	_ "github.com/conduitio/conduit-connector-protocol/proto/connector/v1"
	_ "github.com/conduitio/conduit-connector-protocol/proto/connector/v2"
	_ "github.com/conduitio/conduit-connector-protocol/proto/connutils/v1"
	_ "github.com/hashicorp/go-plugin"
)

// packages are the protobuf packages that a connector and its host share.
// "plugin" is go-plugin's own: it registers its descriptors from an internal
// package, so they are read from the registry rather than imported.
var packages = []protoreflect.FullName{
	"config.v1",
	"connector.v1",
	"connector.v2",
	"connutils.v1",
	"opencdc.v1",
	"plugin",
	"schema.v1",
}

// TestProtoAgreesWithPublished compiles this project's .proto files and
// compares everything that reaches the wire with what Conduit's and
// go-plugin's Go packages publish, in both directions.
func TestProtoAgreesWithPublished(t *testing.T) {
	ours := compileOurs(t)

	for _, pkg := range packages {
		t.Run(string(pkg), func(t *testing.T) {
			want := published(pkg)
			if len(want) == 0 {
				t.Fatalf("no published descriptors are registered for package %s", pkg)
			}
			got := describeAll(ours, pkg)
			if len(got) == 0 {
				t.Fatalf("none of our .proto files declares package %s", pkg)
			}
			for _, name := range sortedKeys(want) {
				if have, ok := got[name]; !ok {
					t.Errorf("missing in ours: %s %s", name, want[name])
				} else if have != want[name] {
					t.Errorf("%s differs:\n  ours:      %s\n  published: %s", name, have, want[name])
				}
			}
			for _, name := range sortedKeys(got) {
				if _, ok := want[name]; !ok {
					t.Errorf("not in the published descriptors: %s %s", name, got[name])
				}
			}
			t.Logf("%d elements agree", len(want))
		})
	}
}

// TestDescriptionSeesEveryDifference keeps the comparison honest: two
// descriptors that differ in one trait must be described differently.
func TestDescriptionSeesEveryDifference(t *testing.T) {
	const original = `syntax = "proto3"; package p;
message M { string a = 1; repeated bytes b = 2; map<string, int32> c = 3; oneof d { bool e = 4; M f = 5; } }
enum E { ZERO = 0; ONE = 1; }
service S { rpc Call(stream M) returns (M); }`

	changes := map[string][2]string{
		"number":      {"string a = 1", "string a = 9"},
		"name":        {"string a = 1", "string z = 1"},
		"type":        {"string a = 1", "bytes a = 1"},
		"cardinality": {"repeated bytes b", "bytes b"},
		"presence":    {"string a = 1", "optional string a = 1"},
		"map value":   {"map<string, int32>", "map<string, int64>"},
		"map key":     {"map<string, int32>", "map<int32, int32>"},
		"oneof":       {"oneof d { bool e = 4; M f = 5; }", "bool e = 4; M f = 5;"},
		"message":     {"M f = 5", "E f = 5"},
		"enum value":  {"ONE = 1", "ONE = 2"},
		"streaming":   {"(stream M) returns (M)", "(M) returns (stream M)"},
		"method":      {"rpc Call", "rpc Talk"},
	}

	want := fmt.Sprint(describeAll(compileText(t, original), "p"))
	for name, change := range changes {
		if !strings.Contains(original, change[0]) {
			t.Fatalf("%s: the original doesn't contain %q", name, change[0])
		}
		changed := strings.Replace(original, change[0], change[1], 1)
		if got := fmt.Sprint(describeAll(compileText(t, changed), "p")); got == want {
			t.Errorf("a change of %s is not seen", name)
		}
	}
}

// compileOurs compiles the .proto files of the protocol crate. CONDUIT_PROTO_DIR
// names another directory.
func compileOurs(t *testing.T) []protoreflect.FileDescriptor {
	t.Helper()
	dir := os.Getenv("CONDUIT_PROTO_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "crates", "conduit-connector-protocol", "proto")
	}

	var names []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() && strings.HasSuffix(path, ".proto") {
			name, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("list the .proto files: %v", err)
	}
	if len(names) == 0 {
		t.Fatalf("there are no .proto files below %s", dir)
	}
	return compile(t, &protocompile.SourceResolver{ImportPaths: []string{dir}}, names...)
}

func compileText(t *testing.T, text string) []protoreflect.FileDescriptor {
	t.Helper()
	return compile(t, &protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{"text.proto": text}),
	}, "text.proto")
}

func compile(t *testing.T, sources protocompile.Resolver, names ...string) []protoreflect.FileDescriptor {
	t.Helper()
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(sources)}
	linked, err := compiler.Compile(context.Background(), names...)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	files := make([]protoreflect.FileDescriptor, len(linked))
	for i, file := range linked {
		files[i] = file
	}
	return files
}

func published(pkg protoreflect.FullName) map[string]string {
	var files []protoreflect.FileDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage(pkg, func(file protoreflect.FileDescriptor) bool {
		files = append(files, file)
		return true
	})
	return describeAll(files, pkg)
}

// describeAll maps every element of a package (message, field, oneof, enum,
// enum value, service, method) to a line that says all of it that reaches the
// wire. File names, options and comments don't.
func describeAll(files []protoreflect.FileDescriptor, pkg protoreflect.FullName) map[string]string {
	out := make(map[string]string)
	for _, file := range files {
		if file.Package() != pkg {
			continue
		}
		describeMessages(out, file.Messages())
		describeEnums(out, file.Enums())
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			out[string(service.FullName())] = "service"
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				out[string(method.FullName())] = fmt.Sprintf("rpc(%s%s) returns (%s%s)",
					stream(method.IsStreamingClient()), method.Input().FullName(),
					stream(method.IsStreamingServer()), method.Output().FullName())
			}
		}
	}
	return out
}

func describeMessages(out map[string]string, messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		message := messages.Get(i)
		if message.IsMapEntry() {
			continue // its field says it: map<key, value>
		}
		out[string(message.FullName())] = "message"
		for j := range message.Fields().Len() {
			field := message.Fields().Get(j)
			out[string(field.FullName())] = describeField(field)
		}
		for j := range message.Oneofs().Len() {
			oneof := message.Oneofs().Get(j)
			if oneof.IsSynthetic() {
				continue // the field's "optional" says it
			}
			out[string(oneof.FullName())] = "oneof"
		}
		describeMessages(out, message.Messages())
		describeEnums(out, message.Enums())
	}
}

func describeField(field protoreflect.FieldDescriptor) string {
	kind := typeOf(field)
	switch {
	case field.IsMap():
		kind = fmt.Sprintf("map<%s, %s>", typeOf(field.MapKey()), typeOf(field.MapValue()))
	case field.HasOptionalKeyword():
		kind = "optional " + kind
	case field.IsList():
		kind = "repeated " + kind
	}
	line := fmt.Sprintf("%s = %d json=%s packed=%t", kind, field.Number(), field.JSONName(), field.IsPacked())
	if oneof := field.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
		line += " in oneof " + string(oneof.Name())
	}
	return line
}

func typeOf(field protoreflect.FieldDescriptor) string {
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return string(field.Message().FullName())
	case protoreflect.EnumKind:
		return string(field.Enum().FullName())
	default:
		return field.Kind().String()
	}
}

func describeEnums(out map[string]string, enums protoreflect.EnumDescriptors) {
	for i := range enums.Len() {
		enum := enums.Get(i)
		out[string(enum.FullName())] = "enum"
		for j := range enum.Values().Len() {
			value := enum.Values().Get(j)
			// Values are siblings of their enum in protobuf's naming: the enum's
			// name is added so that two enums can't be confused.
			out[string(enum.FullName())+"/"+string(value.Name())] = fmt.Sprintf("= %d", value.Number())
		}
	}
}

func stream(is bool) string {
	if is {
		return "stream "
	}
	return ""
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
