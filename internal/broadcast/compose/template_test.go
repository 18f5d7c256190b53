package compose_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/message"
)

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestATemplateIsRefusedBeforeAnyRow(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, content, want string }{
		{"an action that does not end", "Hi\n{{.name", "line 2: unclosed action"},
		{"if without end", "{{if .a}}", "line 1: unexpected EOF"},
		{"a loop over numbers", "{{range 9223372036854775807}}{{end}}", "line 1: range is not available; a column has one value"},
		{"a loop over the row", "{{range .}}{{.}}{{end}}", "line 1: range is not available; a column has one value"},
		{"a template that calls itself", `a{{define "b"}}{{template "b"}}{{end}}{{template "b"}}`, "line 1: define and block are not available; write the text in place"},
		{"a template that there is not", `{{template "b"}}`, `line 1: {{template "b"}} is not available`},
		{"a function that makes long texts", `{{printf "%999999d" 1}}`, "line 1: printf is not available; the functions are and, or, not, eq, ne, lt, le, gt, ge, len, html, index and urlquery"},
		{"a function that nobody knows", "{{shout .name}}", `line 1: function "shout" not defined`},
		{"the whole row", "{{.}}", "line 1: dot is the whole row; name a column: .name"},
		{"the whole row in a variable", "{{$r := $}}{{$r.name}}", "line 1: $ is the whole row; name a column: $.name"},
		{"a column inside with", "{{with .a}}\n{{.b}}{{end}}", "line 2: inside with, dot is the value; write $.b"},
		{"a field of a column", "{{.a.b}}", "line 1: .a.b: a value has no fields"},
		{"a field of an expression", "{{(or .a .b).c}}", "line 1: (or .a .b).c: a value has no fields"},
		{"a field of a variable", "{{$x := .a}}{{$x.y}}", "line 1: $x.y: a value has no fields"},
		{"index with a column that is computed", "{{index . .a}}", `line 1: index takes the row and the name of a column: index $ "first name"`},
		{"break", "{{break}}", "line 1: {{break}} outside {{range}}"},
		{"a text that is too long for everybody", strings.Repeat("字", 700), "2100 bytes, 52 more than WeCom's limit of 2048 (it would cut the rest silently)"},
		{"a text that is not UTF-8", "\xD0\xEC", "not UTF-8; save the text as UTF-8"},
		{"nothing", "", "missing or empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := compose.TextTemplate(message.TypeText, tt.content)
			if diff := cmp.Diff("text.content: "+tt.want, errorText(err)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestAMessageIsRefusedBeforeAnyRow(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"an unknown member", `{"msgtype":"text","text":{"contents":"x"}}`, `text.contents: unknown field; did you mean "content"?`},
		{
			"recipients", `{"touser":"a","totag":"1","msgtype":"text","text":{"content":"x"}}`,
			"touser: the list has the recipients; remove it; totag: the list has the recipients; remove it",
		},
		{
			"two templates with a mistake", `{"msgtype":"news","news":{"articles":[{"title":"{{.a","url":"{{end}}"}]}}`,
			"news.articles[0].title: line 1: unclosed action; news.articles[0].url: line 1: unexpected {{end}}",
		},
		{
			"a mistake beside templates", `{"msgtype":"textcard","textcard":{"title":"{{.a}}","description":"","url":"x"}}`,
			`textcard.description: missing or empty; textcard.url: "x" does not begin with http:// or https://`,
		},
		{
			"a template of more than a megabyte", `{"msgtype":"mpnews","mpnews":{"articles":[` +
				strings.Repeat(`{"title":"{{.a}}","thumb_media_id":"m","content":"`+strings.Repeat("x", 600<<10)+`"},`, 2) + `{"title":"t","thumb_media_id":"m","content":"c"}]}}`,
			"the template has 1229012 bytes, 180436 more than the limit of 1048576",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := compose.ParseTemplate([]byte(tt.body))
			if diff := cmp.Diff(tt.want, errorText(err)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	row := map[string]string{"name": "徐静", "empty": "", "first name": "A&B", "金额": "12.50", "department": "法务", "amount": "1.50"}
	tests := []struct{ name, content, want, columns string }{
		{name: "a byte order mark", content: "\uFEFFHi", want: "Hi"},
		{name: "a column", content: "Hi {{.name}}!", want: "Hi 徐静!", columns: "name"},
		{name: "a Chinese column", content: "{{.金额}}元", want: "12.50元", columns: "金额"},
		{name: "a column with a blank in its name", content: "{{index . `first name`}}{{with .name}}{{index $ \"first name\"}}{{end}}", want: "A&BA&B", columns: "first name name"},
		{name: "if and else", content: "{{if .empty}}a{{else if eq .name `徐静`}}b{{else}}{{.other}}{{end}}", want: "b", columns: "empty name other"},
		{name: "with", content: "{{with .name}}{{.}} {{$.金额}}{{else}}{{.empty}}{{end}}", want: "徐静 12.50", columns: "empty name 金额"},
		{name: "a default", content: `{{or .empty "colleague"}}`, want: "colleague", columns: "empty"},
		{
			name: "what docs/broadcasts.md shows", content: "Dear {{or .name \"colleague\"}},\n{{with .department}}the budget of {{.}}{{else}}your budget{{end}} has {{$.amount}} left.",
			want: "Dear 徐静,\nthe budget of 法务 has 1.50 left.", columns: "amount department name",
		},
		{name: "a variable", content: "{{$n := or .empty .name}}{{$n}}{{$n}}", want: "徐静徐静", columns: "empty name"},
		{name: "escapes", content: "{{html (index . `first name`)}} {{index . `first name` | urlquery}}", want: "A&amp;B A%26B", columns: "first name"},
		{name: "a comment and trimmed blanks", content: "a {{- /* no */ -}} {{.name}}", want: "a徐静", columns: "name"},
		{name: "a length", content: "{{if gt (len .name) 3}}long{{end}}", want: "long", columns: "name"},
		{name: "braces that are meant", content: "{{`{{`}}.name}}", want: "{{.name}}"},
		{name: "a value with a template in it", content: "{{.evil}}", want: "{{.name}}", columns: "evil"},
	}
	row["evil"] = "{{.name}}"
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			template := text(t, tt.content)
			if got := strings.Join(template.Columns(), " "); got != tt.columns {
				t.Errorf("columns: got %q, want %q", got, tt.columns)
			}
			if template.Static() != (tt.columns == "") {
				t.Errorf("Static is %t", template.Static())
			}
			values := make([]string, len(template.Columns()))
			for i, column := range template.Columns() {
				values[i] = row[column]
			}
			body, err := template.Render(values)
			if err != nil {
				t.Fatal(err)
			}
			quoted, _ := message.Encode(message.SendTextRequest{SendRequestCommon: &message.SendRequestCommon{}, Text: message.TextField{Content: tt.want}})
			if diff := cmp.Diff(string(quoted), string(body)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestARenderingIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, content, value, want string }{
		{name: "beyond the limit", content: "{{.a}}", value: strings.Repeat("字", 682) + "😀", want: "text.content: 2050 bytes, 2 more than WeCom's limit of 2048 (it would cut the rest silently)"},
		{name: "at the limit", content: "{{.a}}", value: strings.Repeat("字", 680) + "😀😀", want: ""},
		{name: "empty", content: "{{.a}}", want: "text.content: missing or empty"},
		{
			name: "things that cannot be compared", content: "{{if lt .a 5}}x{{end}}", value: "1",
			want: "text.content: line 1: at <lt .a 5>: error calling lt: incompatible types for comparison: string and int",
		},
		{name: "a value that is called", content: "{{.a 1}}", value: "1", want: "text.content: line 1: at <.a>: a is not a method but has arguments"},
		{name: "a text that is written without end", content: strings.Repeat("{{.a}}", 20), value: strings.Repeat("x", 60000), want: "text.content: the text has more than 1048576 bytes"},
		{
			name: "a text that grows without being written", content: "{{$a := .a}}" + strings.Repeat("{{$a = html $a}}", 1000), value: strings.Repeat("&", 60000),
			want: "text.content: line 1: at <html $a>: error calling html: the text has more than 1048576 bytes",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := text(t, tt.content).Render([]string{tt.value})
			if diff := cmp.Diff(tt.want, errorText(err)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestRenderWantsAValueForEachColumn(t *testing.T) {
	t.Parallel()
	_, err := text(t, "{{.a}}").Render(nil)
	if got, want := errorText(err), "render: 0 values for the template's 1 columns"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestATextIsSentAsItIs(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"{{.name}}", "{{", "{{{{}}", "}}{{end}}", "{{`"} {
		template, err := compose.Text(message.TypeMarkdown, content)
		if err != nil {
			t.Fatal(err)
		}
		body, err := template.Render(nil)
		if err != nil {
			t.Fatal(err)
		}
		var sent struct{ Markdown struct{ Content string } }
		if err := json.Unmarshal(body, &sent); err != nil || sent.Markdown.Content != content || !template.Static() {
			t.Errorf("%q became %q (%v)", content, sent.Markdown.Content, err)
		}
	}
	_, err := compose.Text(message.TypeNews, "x")
	if want := `msgtype: "news"; a text alone makes a message of type text or markdown`; errorText(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestEveryStringOfEveryTypeMayBeATemplate puts one into every string of a message and
// wants to find all of them rendered.
func TestEveryStringOfEveryTypeMayBeATemplate(t *testing.T) {
	t.Parallel()
	for _, sample := range samples.Messages() {
		plain, err := message.ParseLenient([]byte(sample))
		if err != nil {
			t.Fatal(err)
		}
		plain = message.WithRecipients(plain, message.Recipients{})
		want, err := message.Encode(plain)
		if err != nil {
			t.Fatal(err)
		}
		prefixed := withPrefix(t, want, "{{.nothing}}")
		template, err := compose.ParseTemplate(prefixed)
		if err != nil {
			t.Errorf("%s: %v", prefixed, err)
			continue
		}
		if got, err := template.Render([]string{""}); err != nil || string(got) != string(want) {
			t.Errorf("got %s (%v), want %s", got, err, want)
		}
		again := new(compose.Template)
		stored, err := json.Marshal(template)
		if err == nil {
			err = json.Unmarshal(stored, again)
		}
		if err != nil || string(again.Source()) != string(template.Source()) || again.Type() != plain.Type() {
			t.Errorf("got %s (%v), want %s", again.Source(), err, template.Source())
		}
	}
}

// withPrefix puts the prefix before every string of the content.
func withPrefix(tb testing.TB, body []byte, prefix string) []byte {
	tb.Helper()
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		tb.Fatal(err)
	}
	for name, value := range members {
		if content, ok := value.(map[string]any); ok {
			members[name] = prefixAll(content, prefix)
		}
	}
	prefixed, err := json.Marshal(members)
	if err != nil {
		tb.Fatal(err)
	}
	return prefixed
}

func prefixAll(value any, prefix string) any {
	switch v := value.(type) {
	case string:
		return prefix + v
	case []any:
		for i := range v {
			v[i] = prefixAll(v[i], prefix)
		}
	case map[string]any:
		for name := range v {
			v[name] = prefixAll(v[name], prefix)
		}
	}
	return value
}

func TestBodyNamesTheRecipientsOfACall(t *testing.T) {
	t.Parallel()
	template := text(t, "Hi {{.name}}")
	body, err := template.Body(compose.Call{Users: []string{"a", "b"}, Columns: []string{"x"}})
	want := `{"touser":"a|b","msgtype":"text","agentid":"","text":{"content":"Hi x"}}`
	if err != nil || string(body) != want {
		t.Errorf("got %s (%v), want %s", body, err, want)
	}
}
