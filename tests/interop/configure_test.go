package interop

import (
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/conduitio/conduit-commons/config"
	"github.com/conduitio/conduit-connector-protocol/pconnector"
)

func TestSpecify(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		p := start(t, version)
		response, err := p.specifier().Specify(bounded(t), pconnector.SpecifierSpecifyRequest{})
		if err != nil {
			t.Fatalf("specify: %v", err)
		}
		p.kill()

		spec := response.Specification
		if spec.Name != "hubspot" {
			t.Errorf("the name is %q: pipelines that name the plugin hubspot would not find it", spec.Name)
		}
		for what, text := range map[string]string{
			"summary": spec.Summary, "description": spec.Description, "author": spec.Author,
		} {
			if text == "" || text != strings.TrimSpace(text) {
				t.Errorf("the %s is empty or not trimmed: %q", what, text)
			}
		}
		if !regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`).MatchString(spec.Version) {
			t.Errorf("the version %q is no vX.Y.Z", spec.Version)
		}
		checkParameters(t, "source", spec.SourceParams, `^[a-zA-Z0-9.*]+$`, map[string]string{
			"accessToken": "", "resource": "", "maxRetries": "4", "pollingPeriod": "5s", "bufferSize": "100",
			"extraProperties": "", "snapshot": "true",
		})
		checkParameters(t, "destination", spec.DestinationParams, `^[a-zA-Z0-9.]+$`, map[string]string{
			"accessToken": "", "resource": "", "maxRetries": "4",
		})
	})
}

// checkParameters checks names and descriptions of all parameters, and that
// those of the Go connector are there with the same defaults.
func checkParameters(t *testing.T, side string, params config.Parameters, name string, goDefaults map[string]string) {
	t.Helper()
	for key, param := range params {
		if !regexp.MustCompile(name).MatchString(key) {
			t.Errorf("%s: the parameter's name %q doesn't match %s", side, key, name)
		}
		if strings.TrimSpace(param.Description) == "" {
			t.Errorf("%s: the parameter %q is not described", side, key)
		}
	}
	for key, want := range goDefaults {
		param, ok := params[key]
		if !ok {
			t.Errorf("%s: the Go connector's parameter %q is missing", side, key)
			continue
		}
		if param.Default != want {
			t.Errorf("%s: %q has the default %q, the Go connector's is %q", side, key, param.Default, want)
		}
	}
	if !hasRequired(params["resource"]) {
		t.Errorf("%s: resource is not required", side)
	}
}

func hasRequired(param config.Parameter) bool {
	for _, validation := range param.Validations {
		if validation.Type() == config.ValidationTypeRequired {
			return true
		}
	}
	return false
}

// Conduit validates a configuration by Configure and an immediate Teardown.
func TestConfigureGood(t *testing.T) {
	good := []config.Config{
		{},
		{"maxRetries": "1"},
		{"resource": "cms.blogs.posts"},
		{"resource": " crm.contacts "},
		{"baseUrl": "http://127.0.0.1:1"},
		{"baseUrl": "https://api.hubapi.com"},
		{"apiVersion": "2026-03"},
		{"apiVersion": "2026-09"},
		{"apiVersion": "v3"},
		{"maxRetries": ""},
	}
	goodSource := []config.Config{
		{"pollingPeriod": "1h15m"},
		{"pollingPeriod": "300ms"},
		{"pollingPeriod": "1.5h"},
		{"bufferSize": "1"},
		{"bufferSize": "100"},
		{"extraProperties": "phone,website"},
		{"snapshot": "false"},
		{"snapshot": "T"},
		{"snapshot": "0"},
	}
	eachVersion(t, func(t *testing.T, version int) {
		for _, change := range append(good, goodSource...) {
			s := startSource(t, version)
			if _, err := s.Configure(bounded(t), pconnector.SourceConfigureRequest{Config: configured(change)}); err != nil {
				t.Errorf("source: %v is refused: %v", change, err)
			}
			s.close()
		}
		for _, change := range good {
			d := startDestination(t, version)
			if _, err := d.Configure(bounded(t), pconnector.DestinationConfigureRequest{Config: configured(change)}); err != nil {
				t.Errorf("destination: %v is refused: %v", change, err)
			}
			if _, err := d.Teardown(bounded(t), pconnector.DestinationTeardownRequest{}); err != nil {
				t.Errorf("teardown: %v", err)
			}
			d.process.kill()
		}
	})
}

func configured(change config.Config) config.Config {
	cfg := config.Config{"accessToken": token, "resource": "crm.contacts"}
	maps.Copy(cfg, change)
	return cfg
}

// bad is a change of a good configuration and what its refusal has to name.
type bad struct {
	change config.Config
	say    []string
}

var (
	badEither = map[string]bad{
		"no token":             {config.Config{"accessToken": ""}, []string{"accessToken"}},
		"no resource":          {config.Config{"resource": ""}, []string{"resource"}},
		"blank resource":       {config.Config{"resource": "  "}, []string{"resource"}},
		"unknown resource":     {config.Config{"resource": "crm.contact"}, []string{"resource", "crm.contact", "crm.contacts"}},
		"retries no number":    {config.Config{"maxRetries": "many"}, []string{"maxRetries", "many"}},
		"retries a fraction":   {config.Config{"maxRetries": "1.5"}, []string{"maxRetries"}},
		"retries negative":     {config.Config{"maxRetries": "-1"}, []string{"maxRetries"}},
		"unknown parameter":    {config.Config{"acessToken": "x"}, []string{"acessToken", "unrecognized parameter"}},
		"base URL no URL":      {config.Config{"baseUrl": "api hubapi com"}, []string{"baseUrl"}},
		"base URL in clear":    {config.Config{"baseUrl": "http://api.hubapi.com"}, []string{"baseUrl"}},
		"base URL no web":      {config.Config{"baseUrl": "ftp://127.0.0.1"}, []string{"baseUrl"}},
		"unknown API version":  {config.Config{"apiVersion": "yesterday"}, []string{"apiVersion"}},
		"all that is wrong":    {config.Config{"maxRetries": "many", "resource": "", "nonsense": "1"}, []string{"maxRetries", "resource", "nonsense"}},
		"token and OAuth's id": {config.Config{"clientId": "id"}, []string{"client"}},
	}
	badSource = map[string]bad{
		"period no duration": {config.Config{"pollingPeriod": "soon"}, []string{"pollingPeriod", "soon"}},
		"period no unit":     {config.Config{"pollingPeriod": "5"}, []string{"pollingPeriod"}},
		"period negative":    {config.Config{"pollingPeriod": "-1s"}, []string{"pollingPeriod"}},
		"buffer no number":   {config.Config{"bufferSize": "big"}, []string{"bufferSize", "big"}},
		"buffer too small":   {config.Config{"bufferSize": "0"}, []string{"bufferSize"}},
		"buffer too big":     {config.Config{"bufferSize": "101"}, []string{"bufferSize"}},
		"snapshot no truth":  {config.Config{"snapshot": "perhaps"}, []string{"snapshot", "perhaps"}},
	}
	badDestination = map[string]bad{
		"a source's parameter": {config.Config{"pollingPeriod": "5s"}, []string{"pollingPeriod", "unrecognized parameter"}},
		"nothing to write":     {config.Config{"resource": "crm.feedbackSubmissions"}, []string{"crm.feedbackSubmissions"}},
	}
)

func TestConfigureBad(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		for _, table := range []map[string]bad{badEither, badSource} {
			for name, b := range table {
				t.Run("source/"+name, func(t *testing.T) {
					s := startSource(t, version)
					_, err := s.Configure(bounded(t), pconnector.SourceConfigureRequest{Config: configured(b.change)})
					checkRefusal(t, err, b.say)
					s.close()
				})
			}
		}
		for _, table := range []map[string]bad{badEither, badDestination} {
			for name, b := range table {
				t.Run("destination/"+name, func(t *testing.T) {
					d := startDestination(t, version)
					_, err := d.Configure(bounded(t), pconnector.DestinationConfigureRequest{Config: configured(b.change)})
					checkRefusal(t, err, b.say)
					if _, err := d.Teardown(bounded(t), pconnector.DestinationTeardownRequest{}); err != nil {
						t.Errorf("teardown after a refusal: %v", err)
					}
					d.process.kill()
				})
			}
		}
	})
}

func checkRefusal(t *testing.T, err error, say []string) {
	t.Helper()
	if err == nil {
		t.Error("it is accepted")
		return
	}
	for _, text := range say {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error doesn't say %q: %v", text, err)
		}
	}
	checkError(t, err.Error())
}

// checkError checks what every error has to keep to.
func checkError(t *testing.T, text string) {
	t.Helper()
	if strings.TrimSpace(text) == "" {
		t.Error("the error says nothing")
	}
	if strings.Contains(text, token) {
		t.Errorf("the error has the token in it: %s", text)
	}
}

// TestConfigureRefusesWhatIsRequired leaves out each required parameter, as
// the acceptance tests of Conduit's SDK do.
func TestConfigureRefusesWhatIsRequired(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		p := start(t, version)
		response, err := p.specifier().Specify(bounded(t), pconnector.SpecifierSpecifyRequest{})
		if err != nil {
			t.Fatal(err)
		}
		p.kill()
		for name, param := range response.Specification.SourceParams {
			if hasRequired(param) {
				s := startSource(t, version)
				cfg := configured(nil)
				delete(cfg, name)
				_, err := s.Configure(bounded(t), pconnector.SourceConfigureRequest{Config: cfg})
				checkRefusal(t, err, []string{name})
				s.close()
			}
		}
	})
}
