package gateway

import (
	"context"
	"io"
	"net/http"

	"golang.org/x/sync/semaphore"

	"github.com/wecomq/wecomq/internal/problem"
)

// maxBodiesBytes limits the memory that all request bodies take together. What is
// made of a body takes several times its size.
const maxBodiesBytes = 64 << 20

// bodyBudget is a request's share of [maxBodiesBytes], held from the first byte of
// its body until it is answered.
type bodyBudget struct {
	all   *semaphore.Weighted // nil: no limit
	taken int64
}

func (b *bodyBudget) take(n int64) error {
	if b.all == nil {
		return nil
	}
	if !b.all.TryAcquire(n) {
		return problem.ErrBusy
	}
	b.taken += n
	return nil
}

func (b *bodyBudget) release() {
	if b.all != nil {
		b.all.Release(b.taken)
	}
}

// meteredBody charges what is read to the budget.
type meteredBody struct {
	io.ReadCloser

	budget *bodyBudget
}

// metered returns the body of a request that is kept in memory as a whole.
func metered(r *http.Request) io.ReadCloser {
	return &meteredBody{r.Body, bodyBudgetFrom(r.Context())}
}

// Read implements [io.Reader].
func (b *meteredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if busy := b.budget.take(int64(n)); busy != nil {
		return 0, busy
	}
	return n, err
}

type bodyBudgetKey struct{}

// bodyBudgetFrom returns a request's budget, or an unlimited one.
func bodyBudgetFrom(ctx context.Context) *bodyBudget {
	if b, ok := ctx.Value(bodyBudgetKey{}).(*bodyBudget); ok {
		return b
	}
	return &bodyBudget{}
}

// withBodyBudget gives a request its budget, which the caller must release.
func (g *Gateway) withBodyBudget(r *http.Request) (*http.Request, *bodyBudget) {
	b := &bodyBudget{all: g.bodies}
	return r.WithContext(context.WithValue(r.Context(), bodyBudgetKey{}, b)), b
}
