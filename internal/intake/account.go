package intake

import (
	"context"
	"net/http"

	"github.com/wecomq/wecomq/internal/problem"
)

// Account is the part of the memory for bodies that one request has taken, until it is answered. It is used by
// one goroutine at a time. nil has no limit.
type Account struct {
	pool  *Pool
	owner string
	taken int64
}

// Take charges n bytes; [problem.ErrBusy] means that its owner's share is used up.
func (a *Account) Take(n int64) error {
	switch {
	case a == nil || n == 0:
		return nil
	case !a.pool.Take(a.owner, n):
		return problem.ErrBusy
	}
	a.taken += n
	return nil
}

// Release returns everything.
func (a *Account) Release() {
	if a != nil && a.taken > 0 {
		a.pool.Give(a.owner, a.taken)
		a.taken = 0
	}
}

// Budget is the memory for all bodies. Unauthenticated senders have a small one of their own: they cannot
// prevent others from sending.
type Budget struct {
	strangers, known *Pool
}

const (
	// MaxBytes limits all bodies of authenticated senders, including their decoded form.
	MaxBytes = 64 << 20
	// strangerBytes limits all other bodies: a thousand times [MaxStrangerBytes] from each of four addresses.
	strangerBytes = 8 << 20
)

// NewBudget returns the budget of a gateway with known bytes for authenticated senders.
func NewBudget(known int64) *Budget { return &Budget{NewPool(strangerBytes), NewPool(known)} }

type accountKey struct{}

// Open gives a request an account, for a sender of whom only the address is known. The caller must release it.
func (b *Budget) Open(r *http.Request, address string) (*http.Request, *Account) {
	a := &Account{pool: b.strangers, owner: address}
	return r.WithContext(context.WithValue(r.Context(), accountKey{}, a)), a
}

// Identify charges everything that follows to an authenticated sender.
func (b *Budget) Identify(ctx context.Context, name string) {
	if a := AccountOf(ctx); a != nil {
		a.Release()
		a.pool, a.owner = b.known, name
	}
}

// InUse is how many bytes bodies take now.
func (b *Budget) InUse() int64 { return b.strangers.InUse() + b.known.InUse() }

// AccountOf is the account of a request, nil if it has none.
func AccountOf(ctx context.Context) *Account {
	a, _ := ctx.Value(accountKey{}).(*Account)
	return a
}
