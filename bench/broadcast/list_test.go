package main

import (
	"testing"
)

func TestNoTwoRecipientsHaveTheSameUserid(t *testing.T) {
	t.Parallel()
	const n = 100_000
	users := make(map[string]bool, n)
	for i := range n {
		user, _, _ := member(i * (maxRecipients / n))
		users[user] = true
	}
	if len(users) != n {
		t.Errorf("%d of %d are different", len(users), n)
	}
}
