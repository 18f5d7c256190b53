package gateway

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/internal/tolerance"
	"github.com/wecomq/wecomq/message"
)

func TestWhatWeComWouldCutIsCutHere(t *testing.T) {
	t.Parallel()
	found := 0
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
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		body, err := tolerance.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		long := cutByWeCom(body)
		shorten(body)
		if left := cutByWeCom(body); len(left) > 0 {
			t.Errorf("internal/gateway/wecom_shorten.go does not cut %v", left)
		}
		found += len(long)
	}
	if found == 0 {
		t.Error("no text of the samples is too long")
	}
}

// cutByWeCom are the texts that WeCom would cut.
func cutByWeCom(body tolerance.Object) []message.FieldError {
	request, err := message.ParseLenient(body.JSON())
	if err == nil {
		err = message.Validate(request)
	}
	invalid, ok := asValidation(err)
	if !ok {
		return nil
	}
	return slices.DeleteFunc(invalid.Fields, func(f message.FieldError) bool {
		return !strings.Contains(f.Problem, "would cut the rest silently")
	})
}

// lengthened appends a long ending to each text.
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
