package stage

import (
	"time"

	"github.com/prometheus/procfs"
)

// CPU is the processor time that the process has used. It needs Linux.
func (p *Process) CPU() (time.Duration, error) {
	proc, err := procfs.NewProc(p.PID())
	if err != nil {
		return 0, err
	}
	stat, err := proc.Stat()
	return time.Duration(stat.CPUTime() * float64(time.Second)), err
}

// PeakMemory is the peak resident memory of the process so far, in bytes; 0 if unknown, because it is read from
// Linux's /proc.
//
// The peak that the kernel reports after a process has ended is unsuitable: it includes that of the process that
// started it.
func (p *Process) PeakMemory() int64 {
	proc, err := procfs.NewProc(p.PID())
	if err != nil {
		return 0
	}
	status, err := proc.NewStatus()
	if err != nil {
		return 0
	}
	return int64(status.VmHWM) //nolint:gosec // no process has so much
}
