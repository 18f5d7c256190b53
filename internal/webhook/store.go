package webhook

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

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

// store is the state of one app's webhooks that all gateways share.
type store struct {
	rdb redis.UniversalClient
	app string
}

// member is a user, party or tag whose messages are counted, e.g. "user:bob".
type member string

// members lists all recipients. WeCom ignores the case of userids.
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

// recipients returns recipients with only this member.
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

// without removes the recipients whose positions are in held.
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

// decision is the decision about a notification for one audience.
type decision struct {
	seen   bool   // it was decided before
	nonce  string // of this occurrence; a repeated decision has the same
	before string // id of the previous message about the same alerts; empty for none
	// cards are the ids of the cards that reported the alerts and are to change, the oldest first.
	cards []string
	held  []int // positions of the members who get it in a digest, counted from 1
}

// admit decides about a notification whose message would have this id. If now is zero, Redis's clock is used.
func (s store) admit(ctx context.Context, d delivery, lines []line, dedup time.Duration, nonce, id string, now int64) (decision, error) {
	stream := d.digest.stream()
	names := []string{
		keys.WebhookSeen(s.app, d.identity()), keys.WebhookDue(s.app), keys.WebhookLast(s.app, d.group()),
		keys.WebhookCards(s.app, d.group()), keys.WebhookSeen(s.app, d.opposite()),
	}
	args := []any{
		now, dedup.Milliseconds(), d.digest.After, d.digest.Window.Milliseconds(), string(d.kind),
		slices.Index(tasks.Priorities(), d.priority), nonce, id, d.cardRole(), d.says, len(lines),
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
	return readDecision(reply)
}

func readDecision(reply []any) (decision, error) {
	if len(reply) < 4 {
		return decision{}, fmt.Errorf("admit.lua replied %v", reply)
	}
	d := decision{
		seen: fmt.Sprint(reply[0]) == "1", nonce: fmt.Sprint(reply[1]), before: fmt.Sprint(reply[2]), cards: strings.Fields(fmt.Sprint(reply[3])),
	}
	for _, value := range reply[4:] {
		n, err := strconv.Atoi(fmt.Sprint(value))
		if err != nil {
			return decision{}, fmt.Errorf("admit.lua replied %v", reply)
		}
		d.held = append(d.held, n)
	}
	return d, nil
}

// The names in due: "open|<stream>|<member>" is a digest that collects alerts, "closed|<id>|<member>" one that
// waits to be enqueued, and "waiting|<id>|<Unix ms>" a message that must not overtake another.
const (
	openPrefix    = "open|"
	closedPrefix  = "closed|"
	waitingPrefix = "waiting|"
)

func openName(stream string, m member) string { return openPrefix + stream + "|" + string(m) }

// due lists the entries to handle now.
func (s store) due(ctx context.Context, most int, now int64) ([]string, error) {
	names, err := dueScript.Run(ctx, s.rdb, []string{keys.WebhookDue(s.app)}, now, most).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("list what is due: %w", err)
	}
	return names, nil
}

// lease reserves the entry of this name in due. It returns nil if another process has it.
func (s store) lease(ctx context.Context, name, key string, lease time.Duration, now int64) (map[string]string, error) {
	return fields(leaseScript.Run(ctx, s.rdb, []string{keys.WebhookDue(s.app), key}, now, name, lease.Milliseconds()))
}

// fields decodes the hash that a script returns, nil for an empty one.
func fields(reply *redis.Cmd) (map[string]string, error) {
	flat, err := reply.StringSlice()
	if err != nil || len(flat) == 0 {
		return nil, err
	}
	hash := make(map[string]string, len(flat)/2)
	for pair := range slices.Chunk(flat, 2) {
		hash[pair[0]] = pair[len(pair)-1]
	}
	return hash, nil
}

// forget removes a handled entry.
func (s store) forget(ctx context.Context, name, key string) error {
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.ZRem(ctx, keys.WebhookDue(s.app), name)
		p.Del(ctx, key)
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget %s: %w", name, err)
	}
	return nil
}
