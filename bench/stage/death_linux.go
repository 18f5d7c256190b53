package stage

import "syscall"

// beside protects a process from the terminal's Ctrl-C, which the benchmark handles, and makes the kernel kill
// it when the benchmark dies.
func beside() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
