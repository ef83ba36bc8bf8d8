"""Training: speech to networks. The only part of dred that imports torch; needs the extra `train`.

recordings -> data: corpus -> task (vocoding, ...) -> trainer -> checkpoint -> export -> weight set
"""
