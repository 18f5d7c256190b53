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

// PeakMemory is the most memory that the process has had in RAM so far, in bytes; 0 where
// it is not known: it is read as Linux has it.
//
// The peak that the kernel reports when a process has ended is none of it: it begins with
// that of the process that started it.
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
