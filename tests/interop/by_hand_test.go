package interop

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"testing"

	"github.com/conduitio/conduit-commons/config"
)

// What a connector's program prints as its connector.yaml is what Conduit's
// SDK reads, and says what the program tells Conduit.
func TestSpecByHand(t *testing.T) {
	parse := build(t, "goconnectors", "./middleware")
	for _, program := range []string{
		binary(t, "CONDUIT_CONNECTOR_HUBSPOT", "the connector's binary"),
		example(t, "MISBEHAVING_CONNECTOR", "misbehaving_connector"),
		// It has no destination.
		example(t, "FIRST_CONNECTOR", "first_connector"),
	} {
		printed, err := exec.Command(program, "spec").Output()
		if err != nil {
			t.Fatalf("%s spec: %v", program, err)
		}
		cmd := exec.Command(parse, "yaml")
		cmd.Stdin, cmd.Stderr = bytes.NewReader(printed), os.Stderr
		read, err := cmd.Output()
		if err != nil {
			t.Fatalf("Conduit's SDK doesn't read what %s prints: %v\n%s", program, err, printed)
		}
		specification := specified(t, program)
		// Over the wire, none and no parameters are the same.
		for _, parameters := range []*config.Parameters{&specification.SourceParams, &specification.DestinationParams} {
			if *parameters == nil {
				*parameters = config.Parameters{}
			}
		}
		told, err := json.Marshal(specification)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(sorted(t, string(read)), sorted(t, string(told))) {
			t.Errorf("%s prints\n%s\nand tells Conduit\n%s", program, read, told)
		}
	}
}
