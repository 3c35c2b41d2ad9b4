"""The encoder-decoder Transformer in PyTorch, with the names that `translate` gives its weights, so that files go both ways.

As a program it opens a folder of `translate train`, and can write one:

  transformer_torch.py FOLDER                      logits of the model's own arithmetic, as JSON
  transformer_torch.py FOLDER --write OTHER        random weights of the same shape, as a folder that `translate run` opens
"""
import argparse
import json
import math
import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file
from torch import nn

EOS, BOS, PAD = 3, 2, 1


class MultiHeadAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.drop = c["heads"], nn.Dropout(c["dropout"])
        for name in "W_q", "W_k", "W_v", "W_o":
            setattr(self, name, nn.Linear(c["dim"], c["dim"], bias=c["attention_bias"]))

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, queries, keys, mask):
        """mask: true where a key is seen, [batch, 1, queries or 1, keys]."""
        q, k, v = self.split(self.W_q(queries)), self.split(self.W_k(keys)), self.split(self.W_v(keys))
        scores = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).masked_fill(~mask, -1e6)
        return self.W_o((self.drop(scores.softmax(-1)) @ v).transpose(1, 2).flatten(-2))


class FFN(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.dense1, self.dense2 = nn.Linear(c["dim"], c["ffn"]), nn.Linear(c["ffn"], c["dim"])

    def forward(self, x):
        return self.dense2(self.dense1(x).relu())


class AddNorm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.drop, self.ln = nn.Dropout(c["dropout"]), nn.LayerNorm(c["dim"], c["norm_eps"])

    def forward(self, x, y):
        return self.ln(self.drop(y) + x)


class EncoderBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.attention, self.ffn = MultiHeadAttention(c), FFN(c)
        self.addnorm1, self.addnorm2 = AddNorm(c), AddNorm(c)

    def forward(self, x, mask):
        y = self.addnorm1(x, self.attention(x, x, mask))
        return self.addnorm2(y, self.ffn(y))


class DecoderBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.attention1, self.attention2, self.ffn = MultiHeadAttention(c), MultiHeadAttention(c), FFN(c)
        self.addnorm1, self.addnorm2, self.addnorm3 = AddNorm(c), AddNorm(c), AddNorm(c)

    def forward(self, x, past, causal, memory, mask):
        """past: x and what came before it."""
        y = self.addnorm1(x, self.attention1(x, past, causal))
        z = self.addnorm2(y, self.attention2(y, memory, mask))
        return self.addnorm3(z, self.ffn(z))


class Stack(nn.Module):
    def __init__(self, c, vocab, block):
        super().__init__()
        self.embedding, self.drop = nn.Embedding(vocab, c["dim"]), nn.Dropout(c["dropout"])
        self.blks = nn.ModuleList(block(c) for _ in range(c["layers"]))
        angle = torch.arange(float(c["context"]))[:, None] / 10000 ** (torch.arange(0, c["dim"], 2.0) / c["dim"])
        self.register_buffer("position", torch.stack((angle.sin(), angle.cos()), -1).flatten(-2), persistent=False)

    def embed(self, ids, first=0):
        x = self.embedding(ids) * math.sqrt(self.embedding.weight.shape[1])
        return self.drop(x + self.position[first : first + ids.shape[1]])


class Transformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.encoder = Stack(config, config["source_vocab"], EncoderBlock)
        self.decoder = Stack(config, config["target_vocab"], DecoderBlock)
        self.decoder.dense = nn.Linear(config["dim"], config["target_vocab"])

    def encode(self, source, lens):
        mask = (torch.arange(source.shape[1])[None] < lens[:, None])[:, None, None]
        x = self.encoder.embed(source)
        for block in self.encoder.blks:
            x = block(x, mask)
        return x, mask

    def forward(self, source, lens, target):
        """Logits [batch, steps, vocabulary] of padded ids [batch, steps]; lens: how many of a source's ids are no padding."""
        memory, mask = self.encode(source, lens)
        causal = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).tril()[None, None]
        x = self.decoder.embed(target)
        for block in self.decoder.blks:
            x = block(x, x, causal, memory, mask)
        return self.decoder.dense(x)

    @torch.no_grad()
    def translate(self, source, lens, steps):
        """Greedy, as d2l does it: the inputs of each block are kept. Lists of ids, without <eos>."""
        memory, mask = self.encode(source, lens)
        ids = torch.full((len(source), 1), BOS)
        past, said, see_all = [None] * len(self.decoder.blks), [], torch.ones(1, dtype=torch.bool)
        for t in range(steps):
            x = self.decoder.embed(ids, t)
            for i, block in enumerate(self.decoder.blks):
                past[i] = x if past[i] is None else torch.cat((past[i], x), 1)
                x = block(x, past[i], see_all, memory, mask)
            ids = self.decoder.dense(x).argmax(-1)
            said.append(ids)
            if t + 1 == steps or all((torch.cat(said, 1) == EOS).any(1)):
                break
        return [row[: row.index(EOS)] if EOS in row else row for row in torch.cat(said, 1).tolist()]


def pad(rows):
    """Ids padded to the longest, and their lengths."""
    lens = torch.tensor([len(row) for row in rows])
    return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PAD), lens


def open_folder(folder, weights=True):
    """The model of a folder that `translate train` has made."""
    folder = pathlib.Path(folder)
    model = Transformer(json.loads((folder / "config.json").read_text()))
    if weights:
        model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()


def write_folder(model, like, folder):
    """A folder that `translate run` opens: these weights, and the rest of another folder."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for path in pathlib.Path(like).iterdir():
        if path.is_file() and path.suffix in (".json", ".model"):
            shutil.copy(path, folder)
    save_file({name: weight.contiguous() for name, weight in model.state_dict().items()}, folder / "model.safetensors")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--write")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    model = open_folder(options.folder, weights=not options.write)
    if options.write:
        write_folder(model, options.folder, options.write)
    c = model.config
    lens = torch.tensor([5, 2, 7])
    source = torch.where(torch.arange(7)[None] < lens[:, None], torch.arange(21).reshape(3, 7) % (c["source_vocab"] - 4) + 4, PAD)
    target = torch.arange(18).reshape(3, 6) * 7 % (c["target_vocab"] - 4) + 4
    with torch.no_grad():
        logits = model(source, lens, target)
    print(json.dumps({"source": source.tolist(), "lens": lens.tolist(), "target": target.tolist(), "logits": logits.flatten().tolist()}))


if __name__ == "__main__":
    main()
