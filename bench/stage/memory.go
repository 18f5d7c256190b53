package stage

import (
	"fmt"
	"os"
	"strings"
)

// PeakMemory is the most memory that the process has had in RAM so far, in bytes; 0 where
// it is not known: it is read as Linux has it.
//
// The peak that the kernel reports when a process has ended is none of it: it begins with
// that of the process that started it.
func (p *Process) PeakMemory() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			var kilobytes int64
			_, _ = fmt.Sscan(text, &kilobytes)
			return kilobytes << 10
		}
	}
	return 0
}
