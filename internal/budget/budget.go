package budget

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/keys"
)

var (
	//go:embed windows.lua
	windowsSource string
	//go:embed take.lua
	takeSource string
	//go:embed give_back.lua
	giveBackSource string

	takeScript     = redis.NewScript(windowsSource + takeSource)
	giveBackScript = redis.NewScript(giveBackSource)
)

// Budget limits a token, across all gateways. It is safe for concurrent use.
type Budget struct {
	rdb    redis.UniversalClient
	token  string // its name
	limits Limits

	// Now is the time in Unix ms; 0 stands for the clock of Redis. Set it before the first use.
	Now func() int64
	// OnSpent, if set, is called with the limit for each message that did not fit.
	OnSpent func(limit string)
}

// New returns the budget of the token with this name.
func New(rdb redis.UniversalClient, token string, limits Limits) *Budget {
	return &Budget{rdb: rdb, token: token, limits: limits, Now: func() int64 { return 0 }, OnSpent: func(string) {}}
}

// taken identifies the windows in which messages were charged.
type taken struct{ minute, day string }

// Take charges messages to these numbers of recipients, in order, and returns an error for each that does not fit: a
// [*SpentError], or for all of them a [*asynqx.RedisError] if Redis does not answer. giveBack refunds some of
// them.
func (b *Budget) Take(ctx context.Context, recipients []int) (giveBack func(context.Context, []int), refused []error) {
	refused = make([]error, len(recipients))
	args := make([]any, 0, len(recipients)+3)
	args = append(args, b.Now(), b.limits.PerMinute, b.limits.RecipientsPerDay)
	for _, n := range recipients {
		args = append(args, n)
	}
	reply, err := takeScript.Run(ctx, b.rdb, []string{keys.Budget(b.token)}, args...).Slice()
	var a answer
	if err == nil {
		a, err = readAnswer(reply, len(recipients))
	}
	for i, needs := range recipients {
		if err != nil {
			refused[i] = &asynqx.RedisError{Err: fmt.Errorf("budget of token %q: %w", b.token, err)}
		} else if spent := b.spent(a, a.verdicts[i], needs); spent != nil {
			b.OnSpent(spent.Limit)
			refused[i] = spent
		}
	}
	return func(ctx context.Context, recipients []int) { b.giveBack(ctx, a.taken, recipients) }, refused
}

// spent is the error for a message, nil if it fit.
func (b *Budget) spent(a answer, verdict, needs int) *SpentError {
	switch verdict {
	case 1:
		return &SpentError{b.token, PerMinute, b.limits.PerMinute, max(0, b.limits.PerMinute-a.messages), 1, a.minuteLasts}
	case 2: //nolint:mnd // take.lua explains it
		return &SpentError{b.token, RecipientsPerDay, b.limits.RecipientsPerDay, max(0, b.limits.RecipientsPerDay-a.recipients), needs, a.dayLasts}
	}
	return nil
}

// giveBack ignores errors: the token then has a little less until its window ends.
func (b *Budget) giveBack(ctx context.Context, t taken, recipients []int) {
	if len(recipients) == 0 {
		return
	}
	sum := 0
	for _, n := range recipients {
		sum += n
	}
	_ = giveBackScript.Run(ctx, b.rdb, []string{keys.Budget(b.token)}, t.minute, t.day, len(recipients), sum).Err()
}

// answer is what take.lua replies.
type answer struct {
	taken

	minuteLasts, dayLasts time.Duration
	messages, recipients  int // used by then
	verdicts              []int
}

// answerHead is how many values precede the verdicts.
const answerHead = 6

func readAnswer(reply []any, messages int) (a answer, err error) {
	if len(reply) != answerHead+messages {
		return a, fmt.Errorf("take.lua replied %v", reply)
	}
	numbers := make([]int, len(reply))
	for i, value := range reply {
		if numbers[i], err = strconv.Atoi(fmt.Sprint(value)); err != nil {
			return a, fmt.Errorf("take.lua replied %v", reply)
		}
	}
	return answer{
		taken:       taken{strconv.Itoa(numbers[0]), strconv.Itoa(numbers[1])},
		minuteLasts: time.Duration(numbers[2]) * time.Millisecond, dayLasts: time.Duration(numbers[3]) * time.Millisecond,
		messages: numbers[4], recipients: numbers[5], verdicts: numbers[answerHead:],
	}, nil
}
