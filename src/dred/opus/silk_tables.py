"""The probabilities of all symbols of a SILK frame, as inverse tables of total 256.

All stand in one array, `ICDFS`. A name is the place where a table starts, or the first of several of one length.

Source: RFC 6716 section 4.2.7; the values as in libopus 1.6.1 silk/tables_*.c.
"""

import numpy as np

_icdfs: list[int] = []
_classes: list[int] = []


def _place(text: str) -> int:
    icdf = [int(number) for number in text.split()]
    _icdfs.extend(icdf)
    return len(_icdfs) - len(icdf)


def _place_classes(text: str) -> int:
    letters = text.replace(" ", "").replace("\n", "")
    _classes.extend(ord(letter) - ord(min(letters)) for letter in letters)
    return len(_classes) - len(letters)


# Flags of the packet.
LBRR_FLAGS_OF_2 = _place("203 150 0")
LBRR_FLAGS_OF_3 = _place("215 195 166 125 110 82 0")
STEREO_JOINT = _place("249 247 246 245 244 234 210 202 201 200 197 174 82 59 56 55 54 46 22 12 11 10 9 7 0")
MID_ONLY = _place("64 0")

# Signal type and quantiser offset, by whether the frame is active.
TYPE_INACTIVE = _place("230 0")
TYPE_ACTIVE = _place("232 158 10 0")

# Gains: the upper part for each signal type, and changes.
GAIN_HIGH = _place("224 112 44 15 3 2 1 0 254 237 192 132 70 23 4 0 255 252 226 155 61 11 2 0")
GAIN_CHANGE = _place(
    """
    250 245 234 203 71 50 42 38 35 33 31 29 28 27 26 25 24 23 22 21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2
    1 0
    """
)

# Line spectral frequencies. Stage 1: unvoiced and voiced. Stage 2: eight classes of coefficients; which one a
# coefficient has depends on stage 1.
LSF_STAGE_1_NARROW = _place(
    """
    212 178 148 129 108 96 85 82 79 77 61 59 57 56 51 49 48 45 42 41 40 38 36 34 31 30 21 12 10 3 1 0 255 245 244
    236 233 225 217 203 190 176 175 161 149 136 125 114 102 91 81 71 60 52 43 35 28 20 19 18 12 11 5 0
    """
)
LSF_STAGE_1_WIDE = _place(
    """
    225 204 201 184 183 175 158 154 153 135 119 115 113 110 109 99 98 95 79 68 52 50 48 45 43 32 31 27 18 10 3 0 255
    251 235 230 212 201 196 182 167 166 163 151 138 124 110 104 90 78 76 70 69 57 45 34 24 21 11 6 5 4 3 0
    """
)
LSF_STAGE_2_NARROW = _place(
    """
    255 254 253 238 14 3 2 1 0 255 254 252 218 35 3 2 1 0 255 254 250 208 59 4 2 1 0 255 254 246 194 71 10 2 1 0 255
    252 236 183 82 8 2 1 0 255 252 235 180 90 17 2 1 0 255 248 224 171 97 30 4 1 0 255 254 236 173 95 37 7 1 0
    """
)
LSF_STAGE_2_WIDE = _place(
    """
    255 254 253 244 12 3 2 1 0 255 254 252 224 38 3 2 1 0 255 254 251 209 57 4 2 1 0 255 254 244 195 69 4 2 1 0 255
    251 232 184 84 7 2 1 0 255 254 240 186 86 14 2 1 0 255 254 239 178 91 30 5 1 0 255 248 227 177 100 19 2 1 0
    """
)
LSF_CLASS_NARROW = _place_classes(
    """
    aaaaaaaaaa bdbccbcbbb cbbbbbbbbb bccccbcbbb cddddccccc afddccccbb accccccccb cdgeeefeff
    ceffefegee ceehefeffe edddcdcccc bffgefefff chegffffff chfffffgfe ddfeefefee cddffeeeee
    ceegefefff cfegfffefe chefefefff cfeghgfgfe dghegffgef chgeeefeff effeggfgfe cffgfgegee
    efffdheffe cdeffgeffe cdcddecddd bbcccccdcc effgggfgef dffeeeeddc cfdhffeefe eefefgfgfe
    """
)
LSF_CLASS_WIDE = _place_classes(
    """
    iiiiiiiiiiiiiiii klllllkkkkkjjjil knnlpmmnknmnnmll ikjkkjjjjjiiiiij
    ionmompnmmmnnmml ilnnmllnllllllkm iiiiiiiiiiiiiiii ikolpknlmnnmllkl
    iokoomnmonmmnlll kjiiiiiiiiiiiiii ijiiiiiiiiiiiiij kklmnlllllllkkjl
    kkllmllllllllkjl lmmmommnlnmmnmlm iomnmpnkonpmmlnl ijijjjjjjjiiiiji
    jonpnmnlmnmmmllm jllmmllnkllnnnlm kllkkklkjkjkjjjm iklnllkkkjjiiiii
    lmlnllkkjjjjjkkm kolppmnmnlnllkll klnoolnlmmllllkm jllmmmmlnnnljjjj
    knloompmmnlmmlll iojjiiiiiiiiiiii ioolnknnlmmppmmm llplnmlllkklllkl
    iijiiikjkjjkkkjj ilknllklkjiijiij lnnmpnllklkkjiji klnlmlllkjkomiii
    """
)
LSF_EXTENSION = _place("100 40 16 7 3 1 0")
LSF_INTERPOLATION = _place("243 221 192 181 0")

# Pitch: lags and their contours.
LAG_HIGH = _place("253 250 244 233 212 182 150 131 120 110 98 85 72 60 49 40 32 25 19 15 13 11 9 8 7 6 5 4 3 2 1 0")
LAG_CHANGE = _place("210 208 206 203 199 193 183 168 142 104 74 52 37 27 20 14 10 6 4 2 0")
CONTOUR_20_MS = _place(
    """
    223 201 183 167 152 138 124 111 98 88 79 70 62 56 50 44 39 35 31 27 24 21 18 16 14 12 10 8 6 4 3 2 1 0
    """
)
CONTOUR_20_MS_NARROW = _place("188 176 155 138 119 97 67 43 26 10 0")
CONTOUR_10_MS = _place("165 119 80 61 47 35 27 20 14 9 4 0")
CONTOUR_10_MS_NARROW = _place("113 63 0")

# Long-term prediction: filters for three periodicities.
PERIODICITY = _place("179 99 0")
LTP_GAIN_8 = _place("71 56 43 30 21 12 6 0")
LTP_GAIN_16 = _place("199 165 144 124 109 96 84 71 61 51 42 32 23 15 8 0")
LTP_GAIN_32 = _place(
    """
    241 225 211 199 187 175 164 153 142 132 123 114 105 96 88 80 72 64 57 50 44 38 33 29 24 20 16 12 9 5 2 0
    """
)
LTP_SCALE = _place("128 64 0")

# Excitation: the rate level of unvoiced and voiced frames; for each level, and for blocks with low bits, the pulses of
# a block of 16; how n pulses fall to two halves, for each n from 1 on; low bits; signs by signal type, quantiser offset
# and number of pulses.
RATE_LEVEL = _place("241 190 178 132 87 74 41 14 0 223 193 157 140 106 57 39 18 0")
NUM_PULSES = _place(
    """
    125 51 26 18 15 12 11 10 9 8 7 6 5 4 3 2 1 0 198 105 45 22 15 12 11 10 9 8 7 6 5 4 3 2 1 0 213 162 116 83 59 43
    32 24 18 15 12 9 7 6 5 3 2 0 239 187 116 59 28 16 11 10 9 8 7 6 5 4 3 2 1 0 250 229 188 135 86 51 30 19 13 10 8
    6 5 4 3 2 1 0 249 235 213 185 156 128 103 83 66 53 42 33 26 21 17 13 10 0 254 249 235 206 164 118 77 46 27 16 10
    7 5 4 3 2 1 0 255 253 249 239 220 191 156 119 85 57 37 23 15 10 6 4 2 0 255 253 251 246 237 223 203 179 152 124
    98 75 55 40 29 21 15 0 255 254 253 247 220 162 106 67 42 28 18 12 9 6 4 3 2 0
    """
)
SPLIT_2 = _place(
    """
    128 0 214 42 0 235 128 21 0 244 184 72 11 0 248 214 128 42 7 0 248 225 170 80 25 5 0 251 236 198 126 54 18 3 0
    250 238 211 159 82 35 15 5 0 250 231 203 168 128 88 53 25 6 0 252 238 216 185 148 108 71 40 18 4 0 253 243 225
    199 166 128 90 57 31 13 3 0 254 246 233 212 183 147 109 73 44 23 10 2 0 255 250 240 223 198 166 128 90 58 33 16
    6 1 0 255 251 244 231 210 181 146 110 75 46 25 12 5 1 0 255 253 248 238 221 196 164 128 92 60 35 18 8 3 1 0 255
    253 249 242 229 208 180 146 110 76 48 27 14 7 3 1 0
    """
)
SPLIT_4 = _place(
    """
    129 0 207 50 0 236 129 20 0 245 185 72 10 0 249 213 129 42 6 0 250 226 169 87 27 4 0 251 233 194 130 62 20 4 0
    250 236 207 160 99 47 17 3 0 255 240 217 182 131 81 41 11 1 0 255 254 233 201 159 107 61 20 2 1 0 255 249 233
    206 170 128 86 50 23 7 1 0 255 250 238 217 186 148 108 70 39 18 6 1 0 255 252 243 226 200 166 128 90 56 30 13 4
    1 0 255 252 245 231 209 180 146 110 76 47 25 11 4 1 0 255 253 248 237 219 194 163 128 93 62 37 19 8 3 1 0 255
    254 250 241 226 205 177 145 111 79 51 30 15 6 2 1 0
    """
)
SPLIT_8 = _place(
    """
    129 0 203 54 0 234 129 23 0 245 184 73 10 0 250 215 129 41 5 0 252 232 173 86 24 3 0 253 240 200 129 56 15 2 0
    253 244 217 164 94 38 10 1 0 253 245 226 189 132 71 27 7 1 0 253 246 231 203 159 105 56 23 6 1 0 255 248 235 213
    179 133 85 47 19 5 1 0 255 254 243 221 194 159 117 70 37 12 2 1 0 255 254 248 234 208 171 128 85 48 22 8 2 1 0
    255 254 250 240 220 189 149 107 67 36 16 6 2 1 0 255 254 251 243 227 201 166 128 90 55 29 13 5 2 1 0 255 254 252
    246 234 213 183 147 109 73 43 22 10 4 2 1 0
    """
)
SPLIT_16 = _place(
    """
    130 0 200 58 0 231 130 26 0 244 184 76 12 0 249 214 130 43 6 0 252 232 173 87 24 3 0 253 241 203 131 56 14 2 0
    254 246 221 167 94 35 8 1 0 254 249 232 193 130 65 23 5 1 0 255 251 239 211 162 99 45 15 4 1 0 255 251 243 223
    186 131 74 33 11 3 1 0 255 252 245 230 202 158 105 57 24 8 2 1 0 255 253 247 235 214 179 132 84 44 19 7 2 1 0
    255 254 250 240 223 196 159 112 69 36 15 6 2 1 0 255 254 253 245 231 209 176 136 93 55 27 11 3 2 1 0 255 254 253
    252 239 221 194 158 117 76 42 18 4 3 2 1 0
    """
)
LOW_BIT = _place("120 0")
SIGN = _place(
    """
    254 0 49 0 67 0 77 0 82 0 93 0 99 0 198 0 11 0 18 0 24 0 31 0 36 0 45 0 255 0 46 0 66 0 78 0 87 0 94 0 104 0 208
    0 14 0 21 0 32 0 42 0 51 0 66 0 255 0 94 0 104 0 109 0 112 0 115 0 118 0 248 0 53 0 69 0 80 0 88 0 95 0 102 0
    """
)

# Numbers of the same probability.
UNIFORM_3 = _place("171 85 0")
UNIFORM_4 = _place("192 128 64 0")
UNIFORM_5 = _place("205 154 102 51 0")
UNIFORM_6 = _place("213 171 128 85 43 0")
UNIFORM_8 = _place("224 192 160 128 96 64 32 0")

ICDFS = np.array(_icdfs, np.uint8)
LSF_CLASSES = np.array(_classes)
"""Of each coefficient, for each of stage 1's 32 values."""
