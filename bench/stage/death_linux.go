package stage

import "syscall"

// beside keeps a process out of the reach of the terminal's Ctrl-C, which is the
// benchmark's to handle, and makes the kernel kill it when the benchmark dies.
func beside() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
