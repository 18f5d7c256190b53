package webhook_test

import (
	"testing"

	"github.com/wecomq/wecomq/internal/webhook"
)

func TestMatchers(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"severity": "critical", "team": "db", "odd.name": `a"b`}
	tests := map[string]struct {
		text string
		want bool
	}{
		"equal":                          {`severity="critical"`, true},
		"equal without quotes":           {`severity=critical`, true},
		"with blanks around":             {` severity = "critical" `, true},
		"equal to another value":         {`severity="info"`, false},
		"not equal":                      {`severity!="info"`, true},
		"not equal to its own value":     {`severity!="critical"`, false},
		"like a pattern":                 {`team=~"db|infra"`, true},
		"anchored at both ends":          {`team=~"d"`, false},
		"anchored also in alternatives":  {`team=~"x|d|y"`, false},
		"not like a pattern":             {`team!~"web.*"`, true},
		"all of several":                 {`severity="critical", team="db"`, true},
		"one of several does not":        {`severity="critical",team="web"`, false},
		"in braces":                      {`{severity="critical",team="db",}`, true},
		"missing label is empty":         {`owner=""`, true},
		"missing label matches nothing":  {`owner=~".+"`, false},
		"quoted name and escaped quotes": {`"odd.name"="a\"b"`, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			matchers, err := webhook.ParseMatchers(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			got := true
			for _, m := range matchers {
				got = got && m.Matches(labels)
			}
			if got != tt.want {
				t.Errorf("%v matches: %v, want %v", matchers, got, tt.want)
			}
		})
	}
}

func TestBadMatchers(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		``:            `no matcher; write something like severity="critical"`,
		`severity`:    `"severity" is no matcher such as severity="critical" (with =, !=, =~ or !~)`,
		`a=="b"`:      `"a==\"b\"" is no matcher such as severity="critical" (with =, !=, =~ or !~)`,
		`a="b" c="d"`: `"a=\"b\" c=\"d\"" is no matcher such as severity="critical" (with =, !=, =~ or !~)`,
		`a=~"("`:      "a=~\"(\": not a regular expression: error parsing regexp: missing closing ): `^(?:()$`",
		`""="x"`:      `="x": the name of the label is missing`,
		`a="\q"`:      `"\q" is not well quoted (in quotes, write \\ for a backslash)`,
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if _, err := webhook.ParseMatchers(text); err == nil || err.Error() != want {
				t.Errorf("ParseMatchers = %v\nwant %s", err, want)
			}
		})
	}
}

func FuzzParseMatchers(f *testing.F) {
	f.Add(`{a="b", "c d"=~"e|f", g!=h, i!~"\n"}`)
	f.Fuzz(func(t *testing.T, text string) {
		matchers, err := webhook.ParseMatchers(text)
		if err != nil {
			return
		}
		for _, m := range matchers {
			m.Matches(map[string]string{"a": "b"})
		}
		if len(matchers) == 0 {
			t.Error("no matcher and no error")
		}
	})
}
