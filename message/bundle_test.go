package message_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/message"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func to(user string) *message.SendRequestCommon { return &message.SendRequestCommon{ToUser: user} }

func text(content string) message.SendTextRequest {
	return message.SendTextRequest{SendRequestCommon: to("chen.li"), Text: message.TextField{Content: content}}
}

func encode(tb testing.TB, request any) string {
	tb.Helper()
	body, err := message.Encode(request)
	if err != nil {
		tb.Fatalf("encode %T: %v", request, err)
	}
	return string(body)
}

func parse(tb testing.TB, body string) message.Request {
	tb.Helper()
	request, err := message.Parse([]byte(body))
	if err != nil {
		tb.Fatalf("parse %s: %v", body, err)
	}
	return request
}

// golden compares JSON to a file of testdata.
func golden(tb testing.TB, name, got string) {
	tb.Helper()
	goldenText(tb, name+".golden.json", got)
}

func goldenText(tb testing.TB, name, got string) {
	tb.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSuffix(string(want), "\n"), got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// meaning decodes JSON and drops what means the same as an absent member.
func meaning(tb testing.TB, body string) any {
	tb.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		tb.Fatal(err)
	}
	return withoutDefaults(v)
}

func withoutDefaults(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if member == "" || member == false || member == 0.0 {
				delete(v, name)
				continue
			}
			v[name] = withoutDefaults(member)
		}
	case []any:
		for i := range v {
			v[i] = withoutDefaults(v[i])
		}
	}
	return v
}
