package tolerance_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/tolerance"
)

func TestJSONIsReadAsWeComReadsIt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body, want string
		wrong      bool
	}{
		"what is right":                   {` {"a" : [1, {"b":"c\n\u4e2d\ud83d\ude00"}, null, true, 1e2] } `, `{"a":[1,{"b":"c\n中😀"},null,true,1e2]}`, false},
		"a byte order mark":               {"\ufeff" + `{"a":1}`, `{"a":1}`, false},
		"commas too many":                 {`{"a":[1,2,],"b":{"c":1,},}`, `{"a":[1,2],"b":{"c":1}}`, true},
		"raw line breaks and tabs":        {"{\"a\":\"x\ny\tz\"}", `{"a":"x\ny\tz"}`, true},
		"half of a pair":                  {`{"a":"\ud83d","b":"\udcc2x","c":"\ud83d\n"}`, `{"a":"�","b":"�x","c":"�\n"}`, false},
		"a member twice":                  {`{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`, false},
		"something behind it":             {`{"a":1}}`, `{"a":1}`, true},
		"an end that is missing":          {`{"a":{"b":1},"c":{"d":1`, `{"a":{"b":1}}`, true},
		"a string that breaks off":        {`{"a":"x","b":"y`, `{"a":"x"}`, true},
		"words that JSON does not know":   {`{"a":1,"b":yes,"c":2}`, `{"a":1}`, true},
		"escapes that JSON does not know": {`{"a":1,"b":"\x","c":2}`, `{"a":1}`, true},
		"a number with a leading zero":    {`{"a":1,"b":01}`, `{"a":1}`, true},
		"nothing":                         {"", `{}`, true},
		"null":                            {"null", `{}`, true},
		"too deep":                        {`{"a":1,"b":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, `{"a":1}`, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := tolerance.Parse([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(o.JSON())); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if o.Wrong() != tt.wrong {
				t.Errorf("wrong: %v", o.Wrong())
			}
		})
	}
	for _, body := range []string{"[]", "x", `"a"`, "\xff{}", "{\"a\":\"\xff\"}", `{"a":[` + strings.Repeat("1,", 5000) + `1]}`} {
		if _, err := tolerance.Parse([]byte(body)); err == nil {
			t.Errorf("%.20q is taken", body)
		}
	}
}

// FuzzParse proves that a parsed object, encoded again, is JSON and parses to the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"c\u4e2d\ud83d"},],"d":"x` + "\n" + `"}`))
	f.Add([]byte(`{"a":1,"a":{"b":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := tolerance.Parse(body)
		if err != nil {
			return
		}
		text := o.JSON()
		if !json.Valid(text) {
			t.Fatalf("%q became %q", body, text)
		}
		again, err := tolerance.Parse(text)
		if err != nil || again.Wrong() || string(again.JSON()) != string(text) {
			t.Errorf("%q, read again, is %q: %v", text, again.JSON(), err)
		}
		var strict map[string]any
		if json.Unmarshal(body, &strict) == nil && strict != nil {
			var ours map[string]any
			if err := json.Unmarshal(text, &ours); err != nil || !o.Wrong() && !cmp.Equal(strict, ours) {
				t.Errorf("%q was read as %q", body, text)
			}
		}
	})
}
