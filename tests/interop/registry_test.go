package interop

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"

	"github.com/conduitio/conduit-commons/opencdc"
	"github.com/conduitio/conduit-commons/schema"
	"github.com/conduitio/conduit-connector-protocol/pconnector/client"
	"github.com/conduitio/conduit-connector-protocol/pconnutils"
	"github.com/conduitio/conduit-connector-protocol/pconnutils/v1/server"
	connutilsv1 "github.com/conduitio/conduit-connector-protocol/proto/connutils/v1"
	"google.golang.org/grpc"
)

// registry is the schema service that Conduit offers to connectors, in memory.
type registry struct {
	address string
	lock    sync.Mutex
	ids     int
	// The versions of each subject, first to last.
	subjects map[string][]schema.Schema
}

func startRegistry(t *testing.T) *registry {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &registry{address: listener.Addr().String(), subjects: map[string][]schema.Schema{}}
	services := grpc.NewServer()
	connutilsv1.RegisterSchemaServiceServer(services, server.NewSchemaServiceServer(r))
	// It ends when it is stopped.
	go func() { _ = services.Serve(listener) }()
	t.Cleanup(services.Stop)
	return r
}

// environment tells a connector where the service is, as Conduit does.
func (r *registry) environment() []client.Option {
	return []client.Option{
		client.WithEnvVar("CONDUIT_CONNECTOR_TOKEN", "interop"),
		client.WithEnvVar("CONDUIT_CONNECTOR_UTILITIES_GRPC_TARGET", r.address),
	}
}

func (r *registry) CreateSchema(_ context.Context, asked pconnutils.CreateSchemaRequest) (pconnutils.CreateSchemaResponse, error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	versions := r.subjects[asked.Subject]
	for _, version := range versions {
		if bytes.Equal(version.Bytes, asked.Bytes) {
			return pconnutils.CreateSchemaResponse{Schema: version}, nil
		}
	}
	r.ids++
	created := schema.Schema{
		Subject: asked.Subject, Version: len(versions) + 1, ID: r.ids, Type: asked.Type, Bytes: asked.Bytes,
	}
	if _, err := created.Serde(); err != nil {
		return pconnutils.CreateSchemaResponse{}, pconnutils.ErrInvalidSchema
	}
	r.subjects[asked.Subject] = append(versions, created)
	return pconnutils.CreateSchemaResponse{Schema: created}, nil
}

func (r *registry) GetSchema(_ context.Context, asked pconnutils.GetSchemaRequest) (pconnutils.GetSchemaResponse, error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	versions := r.subjects[asked.Subject]
	switch {
	case len(versions) == 0:
		return pconnutils.GetSchemaResponse{}, pconnutils.ErrSubjectNotFound
	case asked.Version < 1 || asked.Version > len(versions):
		return pconnutils.GetSchemaResponse{}, pconnutils.ErrVersionNotFound
	}
	return pconnutils.GetSchemaResponse{Schema: versions[asked.Version-1]}, nil
}

// decode gives the record with its key and payload as they were before they
// were encoded. It fails when they weren't.
func (r *registry) decode(t *testing.T, record opencdc.Record) opencdc.Record {
	t.Helper()
	keySubject, err := record.Metadata.GetKeySchemaSubject()
	if err != nil {
		t.Fatal(err)
	}
	keyVersion, err := record.Metadata.GetKeySchemaVersion()
	if err != nil {
		t.Fatal(err)
	}
	subject, err := record.Metadata.GetPayloadSchemaSubject()
	if err != nil {
		t.Fatal(err)
	}
	version, err := record.Metadata.GetPayloadSchemaVersion()
	if err != nil {
		t.Fatal(err)
	}
	record.Key = r.unmarshal(t, record.Key, keySubject, keyVersion)
	record.Payload.After = r.unmarshal(t, record.Payload.After, subject, version)
	return record
}

func (r *registry) unmarshal(t *testing.T, data opencdc.Data, subject string, version int) opencdc.Data {
	t.Helper()
	found, err := r.GetSchema(t.Context(), pconnutils.GetSchemaRequest{Subject: subject, Version: version})
	if err != nil {
		t.Fatalf("version %d of %s: %v", version, subject, err)
	}
	fields := opencdc.StructuredData{}
	if err := found.Schema.Unmarshal(data.Bytes(), &fields); err != nil {
		t.Fatalf("version %d of %s: %v", version, subject, err)
	}
	return fields
}
