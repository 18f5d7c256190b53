package worker

import (
	"sync"
	"time"
)

// slowestCall is how long the slowest call took that ended since the pacer was last told.
type slowestCall struct {
	mu   sync.Mutex
	time time.Duration
}

func (s *slowestCall) took(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.time = max(s.time, d)
}

// take returns the time and forgets it.
func (s *slowestCall) take() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.time
	s.time = 0
	return d
}
