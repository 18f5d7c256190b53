package redistest

import "syscall"

// dieWithParent makes the kernel kill the server when the test process dies
// without cleaning up, by a panic or by go test's timeout.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
