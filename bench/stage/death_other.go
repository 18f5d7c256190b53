//go:build !linux

package stage

import "syscall"

// beside does nothing here: only Linux can tie a process to its parent.
func beside() *syscall.SysProcAttr { return nil }
