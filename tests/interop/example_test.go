package interop

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// startExample starts an example of a crate, which cargo puts beside the
// connector's binary, unless env says where it is: what it reads, and what it
// writes. It ends with the test, and has to do so well.
func startExample(t *testing.T, crate, name, env string) (io.WriteCloser, io.Reader) {
	t.Helper()
	path := os.Getenv(env)
	if path == "" {
		path = filepath.Join(filepath.Dir(binary(t, "CONDUIT_CONNECTOR_HUBSPOT", "the connector's binary")), "examples", name)
	}
	cmd := exec.Command(path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s (cargo build -p %s --example %s): %v", name, crate, name, err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	return in, out
}
