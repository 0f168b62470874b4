package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// token is what the emulator's account accepts. It is long and odd enough to
// be searched for in errors and logs.
const token = "pat-na1-interop-5d1f6c2e-secret"

// emulator is a running HubSpot emulator. Objects are made, changed and read
// through HubSpot's own endpoints: a list reads the store, not the search
// index, so it is the truth.
type emulator struct {
	t   *testing.T
	url string
}

// object is a HubSpot object as JSON has it.
type object = map[string]any

func startEmulator(t *testing.T, arguments ...string) *emulator {
	t.Helper()
	port := freePort(t)
	cmd := exec.Command(
		binary(t, "HUBSPOT_EMULATOR", "the emulator's binary"),
		append([]string{"--port", strconv.Itoa(port), "--token", token}, arguments...)...,
	)
	output := &logs{}
	cmd.Stdout, cmd.Stderr, cmd.Env = output, output, os.Environ()
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the emulator: %v", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-exited
		if t.Failed() {
			t.Logf("the emulator's log:\n%s", output)
		}
	})

	e := &emulator{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	for deadline := time.Now().Add(patience); ; {
		connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			connection.Close()
			return e
		}
		select {
		case <-exited:
			t.Fatalf("the emulator ended at once:\n%s", output)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("the emulator doesn't listen:\n%s", output)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// config is a connector's configuration for a resource of this emulator, with
// more settings as name, value, name, value, ….
func (e *emulator) config(resource string, more ...string) map[string]string {
	cfg := map[string]string{"accessToken": token, "baseUrl": e.url, "resource": resource}
	for i := 0; i < len(more); i += 2 {
		cfg[more[i]] = more[i+1]
	}
	return cfg
}

// call sends a request that has to succeed.
func (e *emulator) call(method, path string, body any) object {
	e.t.Helper()
	var reader io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			e.t.Fatal(err)
		}
		reader = bytes.NewReader(encoded)
	}
	request, err := http.NewRequest(method, e.url+path, reader)
	if err != nil {
		e.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		e.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		e.t.Fatalf("%s %s: %v", method, path, err)
	}
	if response.StatusCode >= 300 {
		e.t.Fatalf("%s %s: %s: %s", method, path, response.Status, text)
	}
	if len(text) == 0 {
		return nil
	}
	var out object
	if err := json.Unmarshal(text, &out); err != nil {
		e.t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return out
}

// kind is where the objects of a resource live, in the v3 API that the Go
// connector uses as well.
type kind struct {
	resource string
	path     string
	// create is the n-th object, change an update of it.
	create func(n int) object
	change func(n int) object
}

var (
	contacts = kind{
		resource: "crm.contacts", path: "/crm/v3/objects/contacts",
		create: func(n int) object {
			return object{"properties": object{
				"email": fmt.Sprintf("person%d@example.com", n), "firstname": "Person", "lastname": strconv.Itoa(n),
			}}
		},
		change: func(n int) object { return object{"properties": object{"firstname": fmt.Sprintf("Changed %d", n)}} },
	}
	companies = kind{
		resource: "crm.companies", path: "/crm/v3/objects/companies",
		create: func(n int) object {
			return object{"properties": object{
				"name": fmt.Sprintf("Company %d", n), "domain": fmt.Sprintf("company%d.example.com", n),
			}}
		},
		change: func(n int) object { return object{"properties": object{"name": fmt.Sprintf("Changed %d", n)}} },
	}
	posts = kind{
		resource: "cms.blogs.posts", path: "/cms/v3/blogs/posts",
		create: func(n int) object {
			return object{"name": fmt.Sprintf("Post %d", n), "slug": fmt.Sprintf("post-%d", n)}
		},
		change: func(n int) object { return object{"name": fmt.Sprintf("Changed %d", n)} },
	}
)

// create makes count objects, numbered from first, and returns their ids.
func (e *emulator) create(k kind, first, count int) []string {
	e.t.Helper()
	ids := make([]string, count)
	for i := range ids {
		ids[i] = id(e.t, e.call(http.MethodPost, k.path, k.create(first+i)))
	}
	return ids
}

func (e *emulator) update(k kind, id string, n int) {
	e.t.Helper()
	e.call(http.MethodPatch, k.path+"/"+id, k.change(n))
}

func (e *emulator) archive(k kind, id string) {
	e.t.Helper()
	e.call(http.MethodDelete, k.path+"/"+id, nil)
}

// all returns every object there is, by id.
func (e *emulator) all(k kind) map[string]object {
	e.t.Helper()
	objects := make(map[string]object)
	for after := ""; ; {
		page := e.call(http.MethodGet, k.path+"?limit=100"+after, nil)
		for _, result := range page["results"].([]any) {
			objects[id(e.t, result.(object))] = result.(object)
		}
		paging, _ := page["paging"].(object)
		next, _ := paging["next"].(object)
		cursor, _ := next["after"].(string)
		if cursor == "" {
			return objects
		}
		after = "&after=" + cursor
	}
}

func id(t *testing.T, o object) string {
	t.Helper()
	text, ok := o["id"].(string)
	if !ok {
		t.Fatalf("an object without an id: %v", o)
	}
	return text
}
