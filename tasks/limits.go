package tasks

import "fmt"

// Limits are WeCom's limits for one app, shared by all its workers. The numbers are from WeCom's page 90312.
type Limits struct {
	// Seats is the account limit of the enterprise. WeCom lets an app reach 200 recipients a day for each. 0
	// disables the day quota.
	Seats int
	// CallsPerMinute is the limit of calls of one API.
	CallsPerMinute int
	// MemberPerMinute and MemberPerHour limit the messages to one member; WeCom silently drops more.
	MemberPerMinute int
	MemberPerHour   int
	// CriticalReserve is the share of the day quota, 0 to 1, that only critical
	// messages may use.
	CriticalReserve float64
}

// The day quota is personTimesPerSeat × the account limit (90312).
const personTimesPerSeat = 200

// DefaultLimits are WeCom's own numbers, with 5 % of the day quota kept for
// critical messages.
func DefaultLimits() Limits {
	return Limits{CallsPerMinute: 10_000, MemberPerMinute: 30, MemberPerHour: 1000, CriticalReserve: 0.05}
}

// Validate names the first limit that is out of range.
func (l Limits) Validate() error {
	switch {
	case l.Seats < 0:
		return fmt.Errorf("seats: %d is negative", l.Seats)
	case l.CallsPerMinute < 1:
		return fmt.Errorf("calls_per_minute: %d is less than 1", l.CallsPerMinute)
	case l.MemberPerMinute < 1:
		return fmt.Errorf("member_per_minute: %d is less than 1", l.MemberPerMinute)
	case l.MemberPerHour < 1:
		return fmt.Errorf("member_per_hour: %d is less than 1", l.MemberPerHour)
	case l.CriticalReserve < 0 || l.CriticalReserve > 1:
		return fmt.Errorf("critical_reserve: %v is not between 0 and 1", l.CriticalReserve)
	}
	return nil
}

// DayQuota is how many recipients the messages of a priority may reach per calendar day in China, -1 for no
// limit.
func (l Limits) DayQuota(p Priority) int {
	if l.Seats == 0 {
		return -1
	}
	quota := l.Seats * personTimesPerSeat
	if p != Critical {
		quota -= int(float64(quota) * l.CriticalReserve)
	}
	return quota
}
