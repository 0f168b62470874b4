package interop

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/conduitio/conduit-commons/opencdc"
	"github.com/conduitio/conduit-connector-protocol/pconnector"
)

// TestStatedSchema: what the source states by HubSpot's definitions is a
// schema to Conduit's registry, and Go reads each value by it as the type
// that docs/source.md says; what doesn't fit has a schema of its own.
func TestStatedSchema(t *testing.T) {
	e := startEmulator(t)
	for name, types := range map[string][2]string{
		"score":    {"number", "number"},
		"vip":      {"bool", "booleancheckbox"},
		"birthday": {"date", "date"},
		"met":      {"datetime", "date"},
		"colours":  {"enumeration", "checkbox"},
		"note":     {"string", "text"},
	} {
		property := object{"name": name, "label": name, "groupName": "contactinformation", "type": types[0], "fieldType": types[1]}
		switch name {
		case "vip":
			property["options"] = []object{{"label": "Yes", "value": "true"}, {"label": "No", "value": "false"}}
		case "colours":
			property["options"] = []object{{"label": "Red", "value": "red"}, {"label": "Blue", "value": "blue"}}
		}
		e.call(http.MethodPost, "/crm/v3/properties/contacts", property)
	}
	e.create(contacts, 0, 1)
	e.call(http.MethodPost, contacts.path, object{"properties": object{
		"email": "all@example.com", "score": "4.25", "vip": "true", "birthday": "1969-12-31",
		"met": "2026-01-31T12:00:00.5Z", "colours": "red;blue", "note": "",
	}})
	e.call(http.MethodPost, contacts.path, object{"properties": object{"email": "big@example.com", "score": "9007199254740993"}})
	big := "big@example.com"
	want := map[string]map[string]any{
		"person0@example.com": {"score": nil, "vip": nil, "birthday": nil, "met": nil, "colours": nil, "note": nil},
		"all@example.com": {
			"score": 4.25, "vip": true, "birthday": time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC),
			"met":     time.Date(2026, 1, 31, 12, 0, 0, 500_000_000, time.UTC),
			"colours": []any{"red", "blue"}, "note": nil,
		},
		big: {"score": int64(9007199254740993), "vip": nil, "birthday": nil, "met": nil, "colours": nil, "note": nil},
	}

	schemas := startRegistry(t)
	s := startSource(t, versions[0], schemas.environment()...)
	s.configure(e.config("crm.contacts", "values", "typed", "properties", "email,score,vip,birthday,met,colours,note",
		"sdk.schema.extract.key.enabled", "true", "sdk.schema.extract.payload.enabled", "true"))
	if _, err := s.Open(bounded(t), pconnector.SourceOpenRequest{}); err != nil {
		t.Fatal(err)
	}
	s.run()
	stated := map[int]bool{}
	for _, sent := range s.take(len(want)) {
		version, err := sent.Metadata.GetPayloadSchemaVersion()
		if err != nil {
			t.Fatal(err)
		}
		record := schemas.decode(t, sent)
		after := record.Payload.After.(opencdc.StructuredData)
		properties := after["properties"].(map[string]any)
		email := properties["email"].(string)
		for name, value := range want[email] {
			got := properties[name]
			if at, is := got.(time.Time); is {
				got = at.UTC()
			}
			if !reflect.DeepEqual(got, value) {
				t.Errorf("%s of %s is %#v instead of %#v", name, email, got, value)
			}
		}
		if id := record.Key.(opencdc.StructuredData)["id"]; id != after["id"] {
			t.Errorf("the key %v of the object %v", id, after["id"])
		}
		if email == big {
			if _, is := after["createdAt"].(string); !is {
				t.Errorf("a record with a schema of its own has the time %#v", after["createdAt"])
			}
			continue
		}
		stated[version] = true
		if _, is := after["createdAt"].(time.Time); !is {
			t.Errorf("createdAt is %#v", after["createdAt"])
		}
	}
	if len(stated) != 1 {
		t.Errorf("records that fit have the versions %v instead of one", stated)
	}
	s.close()
}
