package interop

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// report is what conduit-connector-acceptance prints with --format json.
type report struct {
	Findings []struct {
		Check   string `json:"check"`
		Outcome string `json:"outcome"`
		Reason  string `json:"reason"`
	} `json:"findings"`
}

// acceptance is the suite's command: the variable names it, or it is beside
// the emulator, where cargo builds both.
func acceptance(t *testing.T) string {
	t.Helper()
	if os.Getenv("CONDUIT_CONNECTOR_ACCEPTANCE") != "" {
		return binary(t, "CONDUIT_CONNECTOR_ACCEPTANCE", "the acceptance suite's command")
	}
	path := filepath.Join(filepath.Dir(binary(t, "HUBSPOT_EMULATOR", "the emulator's binary")), "conduit-connector-acceptance")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: build it with `cargo build -p conduit-connector-acceptance`, or set CONDUIT_CONNECTOR_ACCEPTANCE", err)
	}
	return path
}

// build builds a package of a module beside this one.
func build(t *testing.T, module, what string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "connector")
	if out, err := exec.Command("go", "build", "-C", module, "-o", path, what).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v: %s", what, err, out)
	}
	return path
}

// accept runs the suite on a connector and compares what fails, and what is
// skipped, with what docs/acceptance.md says of that connector: no less and no
// more. Of a failure, a part of the reason is compared as well. What is said to
// fail at times may pass.
func accept(t *testing.T, connector, suite string, failures, atTimes map[string]string, skipped []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "suite.toml")
	if err := os.WriteFile(path, []byte(suite), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(acceptance(t), "run", connector, "--suite", path, "--format", "json")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("run the suite: %v: %s", err, stderr.String())
	}
	var found report
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatalf("read the report: %v in %s", err, out)
	}
	if len(found.Findings) < 50 {
		t.Errorf("only %d checks ran", len(found.Findings))
	}
	failed := map[string]string{}
	var unseen []string
	for _, finding := range found.Findings {
		switch finding.Outcome {
		case "failed":
			failed[finding.Check] = finding.Reason
		case "skipped":
			unseen = append(unseen, finding.Check)
		}
	}
	for check, reason := range failed {
		part, expected := failures[check]
		if !expected {
			part, expected = atTimes[check]
		}
		if !expected {
			t.Errorf("%s fails, and docs/acceptance.md doesn't say so: %s", check, reason)
		} else if !strings.Contains(reason, part) {
			t.Errorf("%s fails for another reason than %q: %s", check, part, reason)
		}
	}
	for check := range maps.Keys(failures) {
		if _, ok := failed[check]; !ok {
			t.Errorf("%s doesn't fail, and docs/acceptance.md says that it does", check)
		}
	}
	slices.Sort(unseen)
	if !slices.Equal(unseen, skipped) {
		t.Errorf("skipped are %q instead of %q", unseen, skipped)
	}
}

// The smallest source and destination on Conduit's Go SDK v0.14.2.
func TestAcceptanceOfTheGoSDK(t *testing.T) {
	t.Parallel()
	connector := build(t, "goconnectors", "./lines")
	accept(t, connector, `
limit_seconds = 15
quiet_seconds = 6.0      # the Go SDK waits up to five seconds after a read that gave nothing

[source]
settings = { path = "{{folder}}/in" }
schema = true

[source.seed]
command = ["sh", "-c", 'cat >> "{{folder}}/in"']
line = "line {{n}} {{mark}}"

[destination]
settings = { path = "{{folder}}/out" }
schema = true
read_back = { command = ["cat", "{{folder}}/out"] }

[[destination.records]]
key = { id = "{{n}}" }
after = { name = "{{mark}}" }
times = 10

[[destination.records]]
operation = "delete"
key = { id = "{{mark}}" }
refused = true
`, map[string]string{
		"destination.failures": "was refused: lines are never deleted",
		"process.sigterm.stop": "after SIGTERM, the source was to stop",
		"process.orphan":       "it still ran",
	}, map[string]string{
		"source.stop.unread": "context canceled while waiting for connections",
	}, []string{"process.shutdown.hanging.destination", "process.shutdown.hanging.source"})
}

// The Go HubSpot connector v0.1.0, as it is released: it believes that it
// talks to HubSpot. It gets few records: with more than a page of a hundred
// objects it stalls now and then when it is opened in between.
func TestAcceptanceOfTheGoConnector(t *testing.T) {
	t.Parallel()
	connector := build(t, "goconnector", "github.com/conduitio-labs/conduit-connector-hubspot/cmd/connector")
	e := startEmulator(t)
	proxy, certificate := startHubSpot(t, e.url)
	accept(t, connector, fmt.Sprintf(`
limit_seconds = 15
quiet_seconds = 6.0

[environment]
HTTPS_PROXY = %[1]q
SSL_CERT_FILE = %[2]q

[source]
settings = { accessToken = %[3]q, resource = "crm.contacts", pollingPeriod = "100ms" }
records = 4

[source.seed.http]
url = "%[4]s/crm/v3/objects/contacts"
headers = { authorization = "Bearer %[3]s" }
body = { properties = { email = "{{mark}}@example.com", lastname = "{{n}}" } }

[destination]
settings = { accessToken = %[3]q, resource = "crm.companies" }

[destination.read_back.http]
method = "POST"
url = "%[4]s/crm/v3/objects/companies/search"
headers = { authorization = "Bearer %[3]s" }
body = { query = "{{unique}}", limit = 100 }

[[destination.records]]
after = { properties = { name = "{{mark}}" } }
times = 3

[[destination.records]]
operation = "update"
key = { id = "999999999" }
after = { properties = { name = "nobody {{mark}}" } }
refused = true
`, proxy, certificate, token, e.url), map[string]string{
		"handshake.v2":            "it speaks v1, which was not offered",
		"handshake.highest":       "it chose v1",
		"specification.versions":  "it speaks v1, which was not offered",
		"source.teardown.twice":   "the second time: Teardown was not answered",
		"destination.size.raised": "received message larger than max",
		"process.sigterm.stop":    "after SIGTERM, the source was to stop",
		"process.orphan":          "it still ran",
	}, map[string]string{
		"source.stop.unread": "Stop failed",
		"source.teardown":    "Stop failed",
	}, []string{
		"destination.schema", "process.shutdown.hanging.destination", "process.shutdown.hanging.source",
		"source.configure.invalid", "source.schema",
	})
}

// startHubSpot stands in for https://api.hubapi.com: a proxy that answers in
// its name with what the emulator at that address says. It returns the proxy's
// address and the file of the certificate to trust.
func startHubSpot(t *testing.T, emulator string) (string, string) {
	t.Helper()
	target, err := url.Parse(emulator)
	if err != nil {
		t.Fatal(err)
	}
	certificate, file := selfSigned(t, "api.hubapi.com")
	configuration := &tls.Config{Certificates: []tls.Certificate{certificate}}
	backend := httputil.NewSingleHostReverseProxy(target)
	// Connectors that end leave requests behind.
	backend.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				// The client asks for a tunnel and then speaks TLS in it.
				if _, err := http.ReadRequest(bufio.NewReader(connection)); err != nil {
					connection.Close()
					return
				}
				if _, err := connection.Write([]byte("HTTP/1.1 200 OK\r\n\r\n")); err != nil {
					connection.Close()
					return
				}
				_ = http.Serve(&single{connection: tls.Server(connection, configuration)}, backend)
			}()
		}
	}()
	return "http://" + listener.Addr().String(), file
}

// single is a listener that has one connection.
type single struct{ connection net.Conn }

func (s *single) Accept() (net.Conn, error) {
	if s.connection == nil {
		return nil, net.ErrClosed
	}
	connection := s.connection
	s.connection = nil
	return connection, nil
}

func (s *single) Close() error   { return nil }
func (s *single) Addr() net.Addr { return &net.TCPAddr{} }

// selfSigned makes a certificate for a host, and a file that has it.
func selfSigned(t *testing.T, host string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "certificate.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}
