package producer

import (
	"testing"

	"github.com/wecomq/wecomq/tasks"
)

func FuzzParseClaim(f *testing.F) {
	for _, s := range []string{
		"ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E critical 0", "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E critical 0 1790000000123 scheduled",
		"ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E critical 0 -7", "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E critical 0 5 queued 0123456789abcdef",
		"ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E bulk 12 something newer",
		"hr-01K9Z3V6C8W5N3T1Q0R7XJ4M2E bulk 0", "", "x default 1", "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E default -1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := parseClaim("ops", s)
		if !ok {
			return
		}
		if app, err := tasks.AppOf(c.id); err != nil || app != "ops" || c.parts < 0 || c.priority.Validate() != nil {
			t.Fatalf("%q is read as %+v", s, c)
		}
		if again, ok := parseClaim("ops", c.String()); !ok || again != c {
			t.Fatalf("%+v is written as %q and read as %+v", c, c, again)
		}
	})
}
