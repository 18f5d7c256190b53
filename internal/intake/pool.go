package intake

import (
	"context"
	"sync"
)

// Pool is memory, or a number of slots, that owners share: each may hold as much as remains free, and no more. A
// single owner gets half of it; however many hold something, there is some left for the next ("dynamic
// thresholds", Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998). It is safe for concurrent
// use.
type Pool struct {
	mu   sync.Mutex
	size int64
	free int64
	held map[string]int64
	// given is closed when something is returned.
	given chan struct{}
}

// NewPool returns an empty pool of a size.
func NewPool(size int64) *Pool {
	return &Pool{size: size, free: size, held: map[string]int64{}, given: make(chan struct{})}
}

// Take takes n for an owner, or nothing and reports false if that exceeds its share.
func (p *Pool) Take(owner string, n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[owner]+n > p.free {
		return false
	}
	p.free -= n
	p.held[owner] += n
	return true
}

// Await takes n for an owner once its share allows it, or reports false if the context ends before.
func (p *Pool) Await(ctx context.Context, owner string, n int64) bool {
	for {
		given := p.nextGrant()
		if p.Take(owner, n) {
			return true
		}
		select {
		case <-given:
		case <-ctx.Done():
			return false
		}
	}
}

func (p *Pool) nextGrant() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.given
}

// Give returns n that the owner has taken.
func (p *Pool) Give(owner string, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free += n
	if p.held[owner] -= n; p.held[owner] == 0 {
		delete(p.held, owner)
	}
	close(p.given)
	p.given = make(chan struct{})
}

// InUse is how much of the pool is taken.
func (p *Pool) InUse() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size - p.free
}
