#!/usr/bin/env python3
"""`finetune prepare`, from outside: what it writes, draws and prints, and what bad input does to it.

  prepare.py PROGRAM [TEST...]
"""
import json
import os
import resource
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import program
from program import SHARED, Case, contents, need, run

TWEETS = os.path.join(SHARED, "data/tweets/bitcoin-sentiment-tweets.csv")
RECORDS = os.path.join(SHARED, "data/tweets/alpaca-bitcoin-sentiment-dataset.json")
HEADER = "date,tweet,sentiment\n"


class Prepare(Case):
    def figures(self, tweets, *options, out="j.json"):
        return json.loads(run("prepare", tweets, "--out", self.path(out), "--json", *options)[0])

    def test_the_articles_tweets(self):
        figures = self.figures(need(TWEETS))
        self.assertEqual(contents(self.path("j.json")), contents(need(RECORDS)))
        text = figures["commonest"].pop("text")
        self.assertTrue(text.startswith("Earn bitcoin on a daily basis!\n"), text)
        self.assertEqual(figures, {"out": self.path("j.json"), "picture": self.path("j-labels.svg"), "rows": 1897, "retweets": 0, "links": 0,
                                   "records": 1897, "labels": {"Neutral": 860, "Positive": 779, "Negative": 258}, "distinct": 1544,
                                   "duplicates": 353, "commonest": {"copies": 312}, "notes": []})
        self.assertEqual(sorted(os.listdir(self.folder)), ["j-labels.svg", "j.json"])
        picture = contents(self.path("j-labels.svg")).decode()
        self.assertTrue(xml.etree.ElementTree.fromstring(picture).tag.endswith("}svg"))
        for words in "Labels of 1897 records", "Neutral", "860 (45.3 %)", "779 (41.1 %)", "258 (13.6 %)":
            self.assertIn(words, picture)

    def test_words_for_a_person(self):
        out, err = run("prepare", need(TWEETS), "--out", self.path("j.json"))
        for words in ("Neutral \u2588", "Negative \u2588", "860 (45.3 %)", "353 of 1897 records are copies", "1544 distinct texts", "312 times: Earn bitcoin",
                      "splits by distinct text", "wrote " + self.path("j.json")):
            self.assertIn(words, out.decode())
        self.assertNotIn("\x1b", out.decode())
        self.assertEqual(err, b"")

    def test_left_out_on_request(self):
        tweets = self.write("t.csv", HEADER + "x,RT @a: http://b,1\nx,see https://b,-1\nx,\x1b]0;x\x07 plain\u2028text,0\n")
        self.assertEqual(self.figures(tweets)["records"], 3)
        figures = self.figures(tweets, "--drop-retweets", "--drop-links", "--overwrite")
        self.assertEqual((figures["rows"], figures["retweets"], figures["links"], figures["records"]), (3, 1, 1, 1))
        self.assertEqual(json.loads(contents(self.path("j.json"))),
                         [{"instruction": "Detect the sentiment of the tweet.", "input": "\x1b]0;x\x07 plain\u2028text", "output": "Neutral"}])
        out = run("prepare", tweets, "--out", self.path("j.json"), "--drop-links", "--overwrite")[0].decode()
        self.assertIn("left out: 0 retweets and 2 tweets with a link, of 3", out)
        self.assertNotIn("\x1b", out)
        self.assertNotIn("copies", out)

    def labels(self, text, *options):
        """The outputs of a file's records."""
        run("prepare", self.write("t.csv", text), "--out", self.path("j.json"), "--overwrite", *options)
        return [record["output"] for record in json.loads(contents(self.path("j.json")))]

    def test_files_as_people_have_them(self):
        kaggle = "Date,Tweet,Source,Sentiment,sent_score\nFri,up,web,['positive'],0.3\nFri,down,web,['negative'],-0.3\n"
        self.assertEqual(self.labels(kaggle), ["Positive", "Negative"])
        self.assertEqual(self.labels(kaggle, "--label-column", "SENT_SCORE"), ["Positive", "Negative"])
        self.assertEqual(self.labels("text,label\na,positive\nb,NEUTRAL\n"), ["Positive", "Neutral"])
        self.assertEqual(self.labels("tweet,sentiment\na,0.37\nb,-1e-3\nc,0.0\nd,2\n"), ["Positive", "Negative", "Neutral", "Positive"])
        self.assertEqual(self.labels("text;target\na;0\nb;4\n", "--separator", "semicolon", "--label-column", "target", "--labels", "0=Negative,4=Positive"),
                         ["Negative", "Positive"])
        self.assertEqual(self.labels(HEADER.encode() + b'x,she said "hi" ok,1\r\nx,"hello" there,-1\r\n'), ["Positive", "Negative"])
        self.assertEqual(self.labels("tweet,text,sentiment\na,b,1\n"), ["Positive"])
        out, err = run("prepare", self.path("t.csv"), "--out", self.path("j.json"), "--overwrite")
        self.assertIn(b"note: the tweet is read from the column 'tweet', not from 'text'; --text-column names another", err)

    def test_rows_without_a_label(self):
        text = "tweet,sentiment\nhello,1\nbye,\n,-1\nx,NaN\n"
        self.assertIn("line 3: 'sentiment': found an empty label, expected a sentiment; --skip-unlabelled leaves such rows out", self.fails(self.write("t.csv", text)))
        os.remove(self.path("t.csv"))
        self.assertEqual(self.labels(text, "--skip-unlabelled"), ["Positive"])
        figures = self.figures(self.path("t.csv"), "--skip-unlabelled")
        self.assertEqual((figures["rows"], figures["unlabelled"], figures["records"]), (4, 3, 1))
        self.assertIn(b"left out: 3 rows without a text or a label, of 4", run("prepare", self.path("t.csv"), "--out", self.path("j.json"), "--skip-unlabelled")[0])

    def fails(self, tweets, *options, code=1, **more):
        before = sorted(os.listdir(self.folder))
        err = run("prepare", tweets, "--out", self.path("j.json"), *options, code=code, **more)[1].decode()
        self.assertTrue(err.startswith("tfm: "), err)
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        return err

    def test_what_cannot_be(self):
        good = self.write("good.csv", HEADER + "x,fine,1\n")
        self.assertIn("No such file", self.fails("/nowhere/t.csv"))
        self.assertIn("it is empty", self.fails(self.write("t.csv", "")))
        self.assertIn("t.csv: line 3: 'sentiment': found '2', expected -1, 0 or 1", self.fails(self.write("t.csv", HEADER + "x,a,1\nx,b,2\n")))
        self.assertIn("no label of the file is negative or a fraction", self.fails(self.path("t.csv")))
        self.assertIn("'sentiment': found words and numbers: 'positive' in line 3 and '1' in line 2", self.fails(self.write("t.csv", HEADER + "x,a,1\nx,b,positive\n")))
        self.assertIn("t.csv: line 1: found no column 'sentiment'", self.fails(self.write("t.csv", "date,tweet\nx,y\n")))
        self.assertIn("found the columns 'text' and 'Content', each of which may hold the tweet, expected one; --text-column names it",
                      self.fails(self.write("t.csv", "text,Content,label\nx,y,1\n")))
        self.assertIn("separated by tabs, which --separator allows", self.fails(self.write("t.csv", "tweet\tsentiment\nx\t1\n")))
        self.assertIn("found text in UTF-16", self.fails(self.write("t.csv", (HEADER + "x,fine,1\n").encode("utf-16"))))
        self.assertIn("found 'good', expected LABEL=NAME", self.fails(good, "--labels", "good", code=2))
        self.assertIn("t.csv: line 2: found '\\xff'", self.fails(self.write("t.csv", HEADER.encode() + b"x,\xff,1\n")))
        self.assertIn("nothing is left of 1 tweets", self.fails(self.write("t.csv", HEADER + "x,RT @a,1\n"), "--drop-retweets"))
        self.assertIn("--out is the file of tweets itself", self.fails(good, "--out", good, code=2))
        self.assertEqual(contents(good), (HEADER + "x,fine,1\n").encode())
        run("prepare", code=2)
        run("prepare", good, code=2)

    def test_a_file_that_cannot_be_written_is_left_as_it_was(self):
        good = self.write("good.csv", HEADER + "x,fine and long enough for this,1\n" * 40)
        self.write("j.json", "before")
        self.assertIn("No such file", self.fails(good, "--out", self.path("nowhere/j.json")))
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        self.assertIn("File too large", self.fails(good, "--overwrite", preexec_fn=limit))
        self.assertEqual(contents(self.path("j.json")), b"before")

    def test_what_is_there_stays_unless_asked(self):
        good = self.write("good.csv", HEADER + "x,fine,1\n")
        self.figures(good)
        self.figures(good)  # which says what is there already
        for name in "j.json", "j-labels.svg":
            written = contents(self.path(name))
            self.write(name, "mine")
            self.assertIn(self.path(name) + " is there already: give --overwrite, or another --out", self.fails(good, code=2))
            self.assertEqual(contents(self.path(name)), b"mine")
            self.figures(good, "--overwrite")
            self.assertEqual(contents(self.path(name)), written)
        # The file of tweets itself, by other names, whatever is asked for.
        os.symlink(good, self.path("soft.json"))
        os.link(good, self.path("hard.json"))
        os.link(good, self.path("n-labels.svg"))
        for out in good, self.path(".", "good.csv"), self.path("soft.json"), self.path("hard.json"), self.path("n.json"):
            self.assertIn("--out is the file of tweets itself", self.fails(good, "--out", out, "--overwrite", code=2))
        self.assertEqual(contents(good), (HEADER + "x,fine,1\n").encode())

    def test_a_tweet_of_a_megabyte(self):
        figures = self.figures(self.write("t.csv", HEADER + "x," + "b" * (1 << 20) + ",1\n"))
        self.assertEqual(len(figures["commonest"]["text"]), 1 << 20)
        self.assertEqual(len(json.loads(contents(self.path("j.json")))[0]["input"]), 1 << 20)


if __name__ == "__main__":
    program.main()
