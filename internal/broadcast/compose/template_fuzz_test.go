package compose_test

import (
	"testing"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/costtest"
	"github.com/wecomq/wecomq/message"
)

// FuzzTemplate proves that no template of a user, and no value in it, breaks anything, and
// that it takes a bounded amount of memory.
func FuzzTemplate(f *testing.F) {
	f.Add("hello {{.name}}", "徐")
	f.Add(`{{range .}}{{.}}{{end}}{{define "x"}}{{template "x"}}{{end}}`, "")
	f.Add(`{{printf "%999999999d" 1}}{{html .name}}{{urlquery .name}}`, "<")
	f.Add(`{{if eq .name "a"}}{{.name | printf "%s"}}{{else}}{{len .name}}{{end}}`, "\x00\xff")
	f.Fuzz(func(t *testing.T, text, value string) {
		cost := costtest.Of(func() {
			template, err := compose.Text(message.TypeText, text)
			if err != nil {
				return
			}
			values := make([]string, len(template.Columns()))
			for i := range values {
				values[i] = value
			}
			body, err := template.Render(values)
			if err == nil && len(body) == 0 {
				t.Errorf("%q with %q is nothing", text, value)
			}
		})
		if most := uint64(8<<20 + 1000*(len(text)+len(value))); cost.Bytes > most {
			t.Errorf("%q with %q takes %d bytes", text, value, cost.Bytes)
		}
	})
}
