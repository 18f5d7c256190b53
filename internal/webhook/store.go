package webhook

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

var (
	//go:embed admit.lua
	admitSource string
	//go:embed due.lua
	dueSource string
	//go:embed close.lua
	closeSource string
	//go:embed lease.lua
	leaseSource string

	admitScript = redis.NewScript(admitSource)
	dueScript   = redis.NewScript(dueSource)
	closeScript = redis.NewScript(closeSource)
	leaseScript = redis.NewScript(leaseSource)
)

// store is what all gateways know of the webhooks of one app.
type store struct {
	rdb redis.UniversalClient
	app string
}

// member is a user, party or tag that messages are counted for, e.g. "user:bob".
type member string

// members lists all who are named. The case of userids does not matter to WeCom.
func members(to message.Recipients) []member {
	all := make([]member, 0, to.Count())
	for _, id := range to.Users {
		all = append(all, member("user:"+strings.ToLower(id)))
	}
	for _, id := range to.Parties {
		all = append(all, member("party:"+id))
	}
	for _, id := range to.Tags {
		all = append(all, member("tag:"+id))
	}
	return all
}

// recipients is the member as one to send to.
func (m member) recipients() message.Recipients {
	kind, id, _ := strings.Cut(string(m), ":")
	switch kind {
	case "party":
		return message.Recipients{Parties: []string{id}}
	case "tag":
		return message.Recipients{Tags: []string{id}}
	default:
		return message.Recipients{Users: []string{id}}
	}
}

// without are the recipients whose position is not among those held.
func without(to message.Recipients, held []int) message.Recipients {
	at := 0
	keep := func(ids []string) []string {
		var kept []string
		for _, id := range ids {
			if at++; !slices.Contains(held, at) {
				kept = append(kept, id)
			}
		}
		return kept
	}
	return message.Recipients{Users: keep(to.Users), Parties: keep(to.Parties), Tags: keep(to.Tags)}
}

// decision is what becomes of a notification for one audience.
type decision struct {
	seen bool  // it was decided before
	at   int64 // Unix ms of the first time
	held []int // which of the members have it in their digest, counted from 1
}

// admit decides about a notification. The zero now is that of Redis.
func (s store) admit(ctx context.Context, d delivery, lines []line, dedup time.Duration, now int64) (decision, error) {
	id := digestOf(d.notification.identity(), d.key())
	names, stream := []string{keys.WebhookSeen(s.app, id), keys.WebhookDue(s.app)}, d.digest.stream()
	args := []any{
		now, dedup.Milliseconds(), d.digest.After, d.digest.Window.Milliseconds(), string(d.kind),
		slices.Index(tasks.Priorities(), d.priority), len(lines),
	}
	for _, l := range lines {
		args = append(args, l.field(), l.count, l.who)
	}
	if d.digest.After > 0 {
		for _, m := range members(d.to) {
			names = append(names, keys.WebhookWindow(s.app, stream, string(m)), keys.WebhookDigest(s.app, stream, string(m)))
			args = append(args, openName(stream, m))
		}
	}
	reply, err := admitScript.Run(ctx, s.rdb, names, args...).Slice()
	if err != nil {
		return decision{}, fmt.Errorf("admit notification: %w", err)
	}
	numbers := make([]int64, len(reply))
	for i, value := range reply {
		if numbers[i], err = strconv.ParseInt(fmt.Sprint(value), 10, 64); err != nil {
			return decision{}, fmt.Errorf("admit.lua replied %v", reply)
		}
	}
	if len(numbers) < 2 {
		return decision{}, fmt.Errorf("admit.lua replied %v", reply)
	}
	result := decision{seen: numbers[0] == 1, at: numbers[1]}
	for _, n := range numbers[2:] {
		result.held = append(result.held, int(n))
	}
	return result, nil
}

// The names of digests in due: "open|<stream>|<member>" is being gathered,
// "closed|<id>|<member>" waits to be enqueued.
const (
	openPrefix   = "open|"
	closedPrefix = "closed|"
)

func openName(stream string, m member) string { return openPrefix + stream + "|" + string(m) }

// claim is a digest that this process enqueues.
type claim struct {
	gathered

	name   string // in due
	id     string
	member member
}

// due lists digests whose time has come.
func (s store) due(ctx context.Context, most int, now int64) ([]string, error) {
	names, err := dueScript.Run(ctx, s.rdb, []string{keys.WebhookDue(s.app)}, now, most).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("list due digests: %w", err)
	}
	return names, nil
}

// claim takes a due digest, or nil if another process has it.
func (s store) claim(ctx context.Context, name string, lease time.Duration, now int64) (*claim, error) {
	words := strings.SplitN(name, "|", 3)
	if len(words) != 3 {
		return nil, fmt.Errorf("claim digest: bad name %q", name)
	}
	c := &claim{name: name, id: words[1], member: member(words[2])}
	var reply *redis.Cmd
	if strings.HasPrefix(name, openPrefix) {
		stream := words[1]
		digest, err := parseStream(stream)
		if err != nil {
			return nil, err
		}
		c.id = ulid.Make().String()
		c.name = closedPrefix + c.id + "|" + string(c.member)
		reply = closeScript.Run(ctx, s.rdb, []string{
			keys.WebhookDue(s.app), keys.WebhookWindow(s.app, stream, string(c.member)),
			keys.WebhookDigest(s.app, stream, string(c.member)), keys.WebhookClosedDigest(s.app, c.id),
		}, now, name, c.name, digest.After, digest.Window.Milliseconds(), lease.Milliseconds())
	} else {
		reply = leaseScript.Run(ctx, s.rdb, []string{
			keys.WebhookDue(s.app), keys.WebhookClosedDigest(s.app, c.id),
		}, now, name, lease.Milliseconds())
	}
	flat, err := reply.StringSlice()
	if err != nil {
		return nil, fmt.Errorf("claim digest: %w", err)
	}
	if len(flat) == 0 {
		return nil, nil //nolint:nilnil // there is none to claim, and nothing wrong
	}
	fields := make(map[string]string, len(flat)/2)
	for pair := range slices.Chunk(flat, 2) {
		fields[pair[0]] = pair[len(pair)-1]
	}
	if c.gathered, err = readGathered(fields); err != nil {
		return nil, fmt.Errorf("read digest %s: %w", c.id, err)
	}
	return c, nil
}

// done forgets a digest that is enqueued.
func (s store) done(ctx context.Context, c *claim) error {
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.ZRem(ctx, keys.WebhookDue(s.app), c.name)
		p.Del(ctx, keys.WebhookClosedDigest(s.app, c.id))
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget digest %s: %w", c.id, err)
	}
	return nil
}
