package pacing_test

import (
	"flag"
	"testing"

	_ "pgregory.net/rapid" // defines the flag
)

// TestMain makes the traffic of a test run shorter than that of `make sim`, which sets 100 checks: the drawn
// cases differ each time.
func TestMain(m *testing.M) {
	checks := flag.Lookup("rapid.checks")
	asked := false
	flag.Parse()
	flag.Visit(func(f *flag.Flag) { asked = asked || f == checks })
	if !asked {
		_ = checks.Value.Set("30")
	}
	m.Run()
}
