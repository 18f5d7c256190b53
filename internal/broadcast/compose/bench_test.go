package compose_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
)

// people is a list of n recipients in no order, written while it is read.
type people struct {
	n, next int
	row     bytes.Buffer
}

func (p *people) Read(b []byte) (int, error) {
	for p.row.Len() < len(b) && p.next < p.n {
		if p.next == 0 {
			p.row.WriteString("userid,name,department,amount\n")
		}
		fmt.Fprintf(&p.row, "user%07d,徐静杰%d,法务,%d.28\n", p.next*7919%p.n, p.next%5000, p.next%997)
		p.next++
	}
	return p.row.Read(b)
}

// BenchmarkCompile measures a list as long as WECOMQ_ROWS (20,000) and tells the time per recipient.
func BenchmarkCompile(b *testing.B) {
	n := 20_000
	if rows := os.Getenv("WECOMQ_ROWS"); rows != "" {
		n, _ = strconv.Atoi(rows)
	}
	for _, bb := range []struct{ name, content string }{
		{"same words", "Lunch is at noon."},
		{"own words", "Dear {{.name}}, {{.amount}} is on your account."},
		{"names that many have", "Dear {{.name}}, lunch is at noon."},
	} {
		b.Run(bb.name, func(b *testing.B) {
			template := text(b, bb.content)
			b.ReportAllocs()
			var compiled *compose.Compiled
			for b.Loop() {
				compiled = compile(b, &people{n: n}, template, compose.Options{TempDir: b.TempDir()})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/recipient")
			b.ReportMetric(float64(compiled.Summary.Calls), "calls")
			size := 0
			for block, err := range compiled.Blocks() {
				if err != nil {
					b.Fatal(err)
				}
				encoded, err := compose.EncodeBlock(block)
				if err != nil {
					b.Fatal(err)
				}
				size += len(encoded)
			}
			b.ReportMetric(float64(size)/float64(n), "stored-B/recipient")
			b.ReportMetric(float64(peak(b)), "peak-MB")
		})
	}
}

// peak is the most memory that this process has had, in MB; 0 where that is not told.
func peak(tb testing.TB) int {
	tb.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, _ := strconv.Atoi(strings.Fields(rest)[0])
	return kb >> 10
}
