package webhook

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/wecomq/wecomq/internal/keys"
)

// claim is a digest that this process is enqueueing.
type claim struct {
	gathered

	name   string // in due
	id     string
	member member
}

// claim takes a due digest; it returns nil if another process has it.
func (s store) claim(ctx context.Context, name string, lease time.Duration, now int64) (*claim, error) {
	words := strings.SplitN(name, "|", 3)
	if len(words) != 3 {
		return nil, fmt.Errorf("claim digest: bad name %q", name)
	}
	c := &claim{name: name, id: words[1], member: member(words[2])}
	var hash map[string]string
	var err error
	if strings.HasPrefix(name, openPrefix) {
		hash, err = s.close(ctx, c, words[1], lease, now)
	} else {
		hash, err = s.lease(ctx, name, keys.WebhookClosedDigest(s.app, c.id), lease, now)
	}
	if err != nil {
		return nil, fmt.Errorf("claim digest %s: %w", name, err)
	}
	if hash == nil {
		return nil, nil //nolint:nilnil // nothing to claim is not an error
	}
	if c.gathered, err = readGathered(hash); err != nil {
		return nil, fmt.Errorf("read digest %s: %w", c.id, err)
	}
	return c, nil
}

// close closes a digest and gives it an id.
func (s store) close(ctx context.Context, c *claim, stream string, lease time.Duration, now int64) (map[string]string, error) {
	digest, err := parseStream(stream)
	if err != nil {
		return nil, err
	}
	open := c.name
	c.id = ulid.Make().String()
	c.name = closedPrefix + c.id + "|" + string(c.member)
	return fields(closeScript.Run(ctx, s.rdb, []string{
		keys.WebhookDue(s.app), keys.WebhookWindow(s.app, stream, string(c.member)),
		keys.WebhookDigest(s.app, stream, string(c.member)), keys.WebhookClosedDigest(s.app, c.id),
	}, now, open, c.name, digest.After, digest.Window.Milliseconds(), lease.Milliseconds()))
}
