package main

import (
	"testing"
)

func TestNoTwoRecipientsHaveTheSameUseridOrWords(t *testing.T) {
	t.Parallel()
	const n = 100_000
	users, amounts := make(map[string]bool, n), make(map[string]bool, n)
	for i := range n {
		user, _, amount := member(i * (maxRecipients / n))
		users[user], amounts[amount] = true, true
	}
	if len(users) != n || len(amounts) != n {
		t.Errorf("of %d, %d userids and %d amounts are different", n, len(users), len(amounts))
	}
}
