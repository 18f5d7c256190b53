package wecom

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// mint is a gettoken whose tokens live for two hours.
type mint struct {
	mu    sync.Mutex
	calls int
	err   error
	same  bool          // WeCom gives a living token again
	delay time.Duration // of each call
}

func (m *mint) fetch(context.Context) (AccessToken, error) {
	time.Sleep(m.delay) //nolint:forbidigo // the clock of synctest
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.err != nil {
		return AccessToken{}, m.err
	}
	n := m.calls
	if m.same {
		n = 1
	}
	return NewAccessToken(Secret(fmt.Sprint("token-", n)), time.Now(), 2*time.Hour), nil
}

func (m *mint) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

func expect(t *testing.T, c *tokenCache, want string) {
	t.Helper()
	token, err := c.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if string(token.Value) != want {
		t.Errorf("token %s, want %s", string(token.Value), want)
	}
}

func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the clock of synctest

func TestATokenIsReplacedFiveMinutesBeforeItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mint{}
		c := newTokenCache(m.fetch, nil)
		expect(t, c, "token-1")
		pass(115*time.Minute - time.Nanosecond)
		expect(t, c, "token-1")
		pass(time.Nanosecond)
		c.get(t.Context()) //nolint:errcheck // looks for a new one
		expect(t, c, "token-2")
	})
}

func TestNobodyWaitsForATokenThatIsReplacedEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mint{}
		c := newTokenCache(m.fetch, nil)
		expect(t, c, "token-1")
		pass(116 * time.Minute)
		m.delay = time.Second
		go func() { _, _ = c.get(t.Context()) }() // this one replaces it
		synctest.Wait()
		began := time.Now()
		for range 100 {
			expect(t, c, "token-1")
		}
		if waited := time.Since(began); waited != 0 || m.count() != 1 {
			t.Errorf("the others waited %s", waited)
		}
		pass(time.Second)
		synctest.Wait()
		expect(t, c, "token-2")
	})
}

func TestAnEarlyReplacementThatFailsIsTriedAgainInHalfAMinute(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*mint){
		"gettoken fails":                func(m *mint) { m.err = errors.New("down") },
		"gettoken gives the same again": func(m *mint) { m.same = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &mint{}
				c := newTokenCache(m.fetch, nil)
				expect(t, c, "token-1")
				change(m)
				pass(116 * time.Minute)
				for range 100 {
					expect(t, c, "token-1")
				}
				pass(29 * time.Second)
				expect(t, c, "token-1")
				if n := m.count(); n != 2 {
					t.Errorf("gettoken was called %d times, want 2", n)
				}
				pass(2 * time.Second)
				expect(t, c, "token-1")
				if n := m.count(); n != 3 {
					t.Errorf("gettoken was called %d times, want 3", n)
				}
			})
		})
	}
}

func TestABackOffStepEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mint{err: &Error{API: APIGetToken, Code: 40001}}
		c := newTokenCache(m.fetch, nil)
		for step, rest := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute} {
			for range 10 {
				if _, err := c.get(t.Context()); !errors.Is(err, Code(40001)) {
					t.Errorf("error %v, want errcode 40001", err)
				}
			}
			if n := m.count(); n != step+1 {
				t.Errorf("gettoken was called %d times in step %d", n, step)
			}
			pass(rest)
		}
		m.err = nil
		expect(t, c, "token-4")
	})
}
