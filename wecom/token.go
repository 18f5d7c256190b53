package wecom

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

var errNoToken = errors.New("the answer has no access_token")

const (
	// APIGetToken is the name of gettoken in errors.
	APIGetToken = "gettoken"

	refreshMargin = 5 * time.Minute
	// earlyRetry spaces the attempts to replace a token that still works: WeCom
	// may answer with the same token until it has expired (91039).
	earlyRetry = 30 * time.Second

	firstTokenBackoff = 30 * time.Second
	maxTokenBackoff   = 5 * time.Minute

	firstReconnect = time.Second
	maxReconnect   = 10 * time.Second
)

// AccessToken is the credential of one app, valid for up to 7200 s and at most 512 bytes long (91039).
type AccessToken struct {
	Value     Secret
	RefreshAt time.Time // when to fetch a new one, though this one still works
	ExpiresAt time.Time
}

// Format prints the token's expiry, not its value.
func (t AccessToken) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "wecom.AccessToken(until %s)", t.ExpiresAt.Format(time.RFC3339))
}

// NewAccessToken is a token issued now, to be refreshed five minutes before it expires, or in the last tenth
// of a shorter life.
func NewAccessToken(value Secret, issued time.Time, life time.Duration) AccessToken {
	end := issued.Add(life)
	return AccessToken{Value: value, RefreshAt: end.Add(-min(refreshMargin, life/10)), ExpiresAt: end}
}

// FetchToken calls gettoken.
type FetchToken func(ctx context.Context) (AccessToken, error)

// TokenStore stores one app's access token, possibly shared by several processes.
type TokenStore interface {
	// Token returns the shared token. If there is none, or its RefreshAt has passed, it calls fetch, one
	// caller at a time among all users of the store. After a failure it returns *[TokenHeldError] until
	// [TokenBackoff] has passed.
	Token(ctx context.Context, fetch FetchToken) (AccessToken, error)
	// Drop removes token, unless it has already been replaced.
	Drop(ctx context.Context, token Secret) error
}

// TokenBackoff is how long gettoken is not called after it has failed with err this many times in a row: 30
// s, 1, 2, 4, then 5 minutes if an early retry is useless or harmful (a wrong secret, a disabled app, an
// untrusted or blocked IP); 1, 2, 4, 8, then 10 s while WeCom cannot be reached; 0 otherwise.
func TokenBackoff(err error, failures int) time.Duration {
	switch ClassOf(err) {
	case ClassConfig, ClassRate:
		return double(firstTokenBackoff, failures-1, maxTokenBackoff)
	case ClassUnreachable:
		return double(firstReconnect, failures-1, maxReconnect)
	default:
		return 0
	}
}

func double(d time.Duration, times int, limit time.Duration) time.Duration {
	for range times {
		if d = 2 * d; d >= limit {
			return limit
		}
	}
	return d
}

func (c *Client) fetchToken(ctx context.Context) (AccessToken, error) {
	var reply struct {
		Token   string `json:"access_token"`
		Seconds int64  `json:"expires_in"`
	}
	query := url.Values{"corpid": {c.corpID}, "corpsecret": {string(c.secret())}}
	if err := c.call(ctx, http.MethodGet, APIGetToken, query, "", nil, &reply); err != nil {
		return AccessToken{}, err
	}
	if reply.Token == "" || reply.Seconds <= 0 {
		return AccessToken{}, &CallError{API: APIGetToken, Status: http.StatusOK, Sent: true, Err: errNoToken}
	}
	return NewAccessToken(Secret(reply.Token), time.Now(), time.Duration(reply.Seconds)*time.Second), nil
}
