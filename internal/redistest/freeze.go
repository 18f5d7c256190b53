//go:build unix

package redistest

import "syscall"

// Freeze stops the server without ending it: connections stay open, and it does not answer until Thaw.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw resumes a frozen server; it answers the pending commands.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.tb.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.tb.Fatalf("%s %s: %v", sig, binary, err)
	}
}
