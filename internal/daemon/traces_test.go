package daemon

import (
	"strings"
	"testing"
)

func TestTracesNeedAProtocolThatIsThere(t *testing.T) {
	t.Parallel()
	env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
	tests := map[string]struct {
		set  string
		want string // "on", "off" or a part of the error
	}{
		"an endpoint is enough":       {"", "on"},
		"http/protobuf is understood": {"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "on"},
		"grpc is not":                 {"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", `"grpc" is not supported`},
		"the SDK can be switched off": {"OTEL_SDK_DISABLED=true", "off"},
		"and so can traces":           {"OTEL_TRACES_EXPORTER=none", "off"},
		"without one nothing happens": {"OTEL_EXPORTER_OTLP_ENDPOINT=", "off"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, value, _ := strings.Cut(tt.set, "=")
			look := environment(func(name string) (string, bool) {
				if name == key {
					return value, true
				}
				text, ok := env[name]
				return text, ok
			})
			_, err := openTraces(t.Context(), Options{LookupEnv: look})
			switch {
			case tt.want != "on" && tt.want != "off":
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %s", err, tt.want)
				}
			case err != nil || look.wantsTraces() != (tt.want == "on"):
				t.Errorf("wanted %t, error %v; want %s", look.wantsTraces(), err, tt.want)
			}
		})
	}
}
