package gateway

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/internal/tolerance"
	"github.com/wecomq/wecomq/message"
)

func TestWhatWeComWouldCutIsCutHere(t *testing.T) {
	t.Parallel()
	for _, sample := range samples.Messages() {
		var v map[string]any
		if err := json.Unmarshal([]byte(sample), &v); err != nil {
			t.Fatal(err)
		}
		for name, member := range v {
			if _, isContent := member.(map[string]any); isContent {
				v[name] = lengthened(member)
			}
		}
		long, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		body, err := tolerance.Parse(long)
		if err != nil {
			t.Fatal(err)
		}
		shorten(body)
		request, err := message.ParseLenient(body.JSON())
		if err == nil {
			err = message.Validate(request)
		}
		if invalid, ok := asValidation(err); ok {
			for _, field := range invalid.Fields {
				if strings.Contains(field.Problem, "would cut the rest silently") {
					t.Errorf("internal/gateway/wecom_shorten.go does not cut %s", field)
				}
			}
		}
	}
}

// lengthened has a long ending on each text.
func lengthened(v any) any {
	switch v := v.(type) {
	case string:
		return v + strings.Repeat("汉🔥a", 400)
	case []any:
		for i := range v {
			v[i] = lengthened(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = lengthened(v[name])
		}
	}
	return v
}
