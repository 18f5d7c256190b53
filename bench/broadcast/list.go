package main

import (
	"bufio"
	"fmt"
	"os"
)

// The texts to send: the same text to everybody, or individual ones with two columns of the list.
const (
	sameWords = "same"
	ownWords  = "own"

	sameText = "The canteen is closed on Friday."
	ownText  = "Dear {{.name}}, your budget has {{.amount}} left."

	alertText = "The disk of db-03 is full."
)

// text is the template of the text.
func text(words string) string {
	if words == sameWords {
		return sameText
	}
	return ownText
}

// maxRecipients is how many members [member] can name.
const maxRecipients = 10_000_000

// member returns the userid, the name and the amount of the nth recipient. No two have the same userid or the
// same amount, and neighbours in the list are not neighbours in the alphabet.
func member(n int) (user, name, amount string) {
	const stride, other = 7_654_321, 1_234_567 // coprime to maxRecipients
	surnames := []string{"wang 王", "li 李", "zhang 张", "liu 刘", "chen 陈", "yang 杨", "huang 黄", "zhao 赵", "wu 吴", "zhou 周"}
	given := []string{"芳", "伟", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰"}
	number := n * stride % maxRecipients
	var latin, family string
	_, _ = fmt.Sscan(surnames[number%len(surnames)], &latin, &family)
	user = fmt.Sprintf("%s%07d", latin, number)
	cents := n * other % maxRecipients
	return user, family + given[n%len(given)], fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

// writeList writes a list of recipients in the format of wecomq.
func writeList(path string, recipients int) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	out := bufio.NewWriter(file)
	_, _ = fmt.Fprintln(out, "userid,name,amount") // Flush returns the first error
	for n := range recipients {
		user, name, amount := member(n)
		_, _ = fmt.Fprintf(out, "%s,%s,%s\n", user, name, amount)
	}
	return out.Flush()
}
